/** Who is let in where: every replica that checks tokens, asked without the gateway between. */
import { listSessions } from '@annals/contracts/identity/session.routes';
import { getMe } from '@annals/contracts/identity/user.routes';
import type { Route } from '@annals/contracts/kit/route';
import { expect } from 'vitest';
import { Api } from '../e2e/client.ts';
import { PushClient } from '../e2e/push-client.ts';
import type { TestStack } from '../stack.ts';

export const REPLICAS = [1, 2] as const;

/** How long after the answer an end may take to be known everywhere: a second or so, on a machine that is busy. */
export const OUT_WITHIN_MS = 5_000;

interface Door {
  readonly name: string;
  readonly api: Api;
  /** A route that lets any user in. */
  readonly route: Route;
}

/** The APIs of both replicas of command-api and query-api. */
function doorsOf(stack: TestStack): readonly Door[] {
  const routes = { 'command-api': listSessions, 'query-api': getMe } as const;
  return (['command-api', 'query-api'] as const).flatMap((service) =>
    REPLICAS.map((replica) => ({
      name: `${service} ${replica}`,
      api: new Api(stack.mainUrl(service, replica)),
      route: routes[service],
    })),
  );
}

/** Every door lets the token in; what is behind it may not be there yet. */
export async function expectIn(stack: TestStack, token: string): Promise<void> {
  for (const { name, api, route } of doorsOf(stack)) {
    const { status } = await api.as(token).call(route);
    expect([200, 404], name).toContain(status);
  }
}

/** Waits until every door refuses the token, and goes on refusing it; gives the milliseconds until the last did. */
export async function expectOut(stack: TestStack, token: string): Promise<number> {
  const startedAt = performance.now();
  const times = await Promise.all(
    doorsOf(stack).map(({ name, api, route }) =>
      becomes(name, 401, startedAt, async () => (await api.as(token).call(route)).status),
    ),
  );
  return Math.max(...times);
}

/**
 * Asks until the status is `wanted`, which must be within {@link OUT_WITHIN_MS} of `startedAt`, and then some times
 * more, since it must stay so. Gives the milliseconds since `startedAt`.
 */
export async function becomes(
  name: string,
  wanted: number,
  startedAt: number,
  status: () => Promise<number>,
): Promise<number> {
  await expect.poll(status, { message: name, timeout: OUT_WITHIN_MS, interval: 10 }).toBe(wanted);
  const took = performance.now() - startedAt;
  for (let times = 0; times < 5; times++) expect(await status(), name).toBe(wanted);
  return took;
}

/** A signed-in socket at each replica of the notifier. */
export function openSockets(stack: TestStack, token: string): Promise<PushClient[]> {
  return Promise.all(
    REPLICAS.map(async (replica) => {
      const client = await PushClient.open(stack.mainUrl('notifier', replica));
      const answer = await client.request({ id: 1, type: 'authenticate', token });
      expect(answer).toMatchObject({ type: 'authenticated' });
      return client;
    }),
  );
}

/** Waits until all are closed because their session has ended; gives the milliseconds until the last was. */
export async function expectClosed(sockets: readonly PushClient[]): Promise<number> {
  const startedAt = performance.now();
  for (const socket of sockets) {
    await expect.poll(() => socket.closeCode, { timeout: OUT_WITHIN_MS, interval: 10 }).toBe(3501);
  }
  return performance.now() - startedAt;
}

/** No replica of the notifier takes the token any more. */
export async function expectNoSocket(stack: TestStack, token: string): Promise<void> {
  for (const replica of REPLICAS) {
    const client = await PushClient.open(stack.mainUrl('notifier', replica));
    const answer = await client.request({ id: 1, type: 'authenticate', token });
    expect(answer, `notifier ${replica}`).toMatchObject({ type: 'error', code: 'unauthenticated' });
    await client.close();
  }
}
