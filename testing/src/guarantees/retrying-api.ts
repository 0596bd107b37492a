/** A client that gives no command up: it repeats it under the same Idempotency-Key until it is answered. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Route } from '@annals/contracts/kit/route';
import { expect } from 'vitest';
import type { Answer, Api, CallOptions } from '../e2e/client.ts';

/** What was answered instead of a success, or happened instead of an answer, by kind: how often. */
export type Setbacks = Record<string, number>;

/** Setbacks are of these kinds and no others. */
export function expectKinds(setbacks: Readonly<Setbacks>, allowed: readonly string[]): void {
  const others = Object.entries(setbacks).filter(([kind]) => !allowed.includes(kind));
  expect(Object.fromEntries(others), 'unexpected answers').toEqual({});
}

const PAUSE_MS = 50;
const GIVE_UP_MS = 120_000;

/**
 * Calls a command until it succeeds. No answer, 5xx and `idempotency-in-flight` are setbacks, counted in `setbacks`;
 * for a token that has expired `logIn` gets a new one. Any other answer is thrown, and so is a setback after two minutes.
 */
export async function insist(
  api: Api,
  route: Route,
  options: CallOptions,
  setbacks: Setbacks,
  logIn?: () => Promise<string>,
): Promise<Answer> {
  const keyed = { ...options, headers: { ...options.headers, 'idempotency-key': randomUUID() } };
  const deadline = Date.now() + GIVE_UP_MS;
  let current = api;
  for (;;) {
    const outcome = await attempt(current, route, keyed);
    if (typeof outcome !== 'string') return outcome;
    if (outcome === 'expired' && logIn) {
      current = api.as(await logIn());
      continue;
    }
    setbacks[outcome] = (setbacks[outcome] ?? 0) + 1;
    if (Date.now() > deadline) throw new Error(`${route.name} is still answered with "${outcome}"`);
    await sleep(PAUSE_MS);
  }
}

/** The successful answer, or what came instead. Throws for an answer that another attempt would not change. */
async function attempt(api: Api, route: Route, options: CallOptions): Promise<Answer | string> {
  let answer: Answer;
  try {
    answer = await api.send(route, options);
  } catch {
    return 'no answer';
  }
  const { status, body } = answer;
  if (status === route.success.status) return answer;
  if (status >= 500) return `status ${status}`;
  if (body?.code === 'idempotency-in-flight') return 'in flight';
  if (body?.code === 'token-expired') return 'expired';
  throw new Error(`${route.name} answered ${status}: ${JSON.stringify(body)}`);
}
