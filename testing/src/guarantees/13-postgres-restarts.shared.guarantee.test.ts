import type { DomainEvent } from '@annals/contracts/kit/event';
import { pushFrames } from '@annals/contracts/push/docs';
import { pushRules } from '@annals/contracts/push/rules';
import { afterAll, expect, it } from 'vitest';
import { PushClient } from '../e2e/push-client.ts';
import { sharedStack } from '../shared-stack.ts';
import { expectInLog, expectVisible } from './acknowledged.ts';
import { counts } from './counts.ts';
import { startLoad } from './load.ts';
import { readLog } from './log-reader.ts';
import { startReaders } from './readers.ts';
import { expectViewsAsRebuilt } from './rebuild.ts';
import { report } from './report.ts';
import { expectKinds } from './retrying-api.ts';

const NUMBER = 13;
/** A fast shutdown, and a crash of everything. */
const SIGNALS = ['SIGINT', 'SIGKILL'] as const;
const ROUNDS = counts(1, 10);
/** Commands and queries that succeed between two restarts. */
const BETWEEN = counts(20, 200);
const SOCKETS = counts(2, 8);
const CHANNEL = 'articles';

const stack = sharedStack();

afterAll(() => stack.stop());

/** A socket, and the position from which everything is owed to it. */
interface Listener {
  readonly client: PushClient;
  readonly since: string;
}

async function listen(): Promise<Listener> {
  const client = await PushClient.open(stack.url);
  const answer = await client.request({ id: 1, type: 'subscribe', channel: CHANNEL });
  if (answer.type !== 'subscribed') throw new Error(JSON.stringify(answer));
  return { client, since: answer.position };
}

/** Each socket, open all the time, got every frame of the log since it subscribed, in order and once. */
async function expectEveryFrame(listeners: readonly Listener[]): Promise<number> {
  const log = await readLog(stack);
  const owed = log
    .flatMap((event) => pushFrames(pushRules, event as unknown as DomainEvent))
    .flatMap(({ channel, position }) => (channel === CHANNEL ? position : []));
  for (const { client, since } of listeners) {
    const expected = owed.filter((position) => position > since);
    const received = () => client.events(CHANNEL).map(({ position }) => position);
    await expect.poll(() => received().length, { timeout: 30_000 }).toBeGreaterThanOrEqual(expected.length);
    expect(received()).toEqual(expected);
    expect(client.closeCode).toBeUndefined();
  }
  return owed.length * listeners.length;
}

it('PostgreSQL restarts under load: all recovers by itself, nothing lost', async () => {
  const load = await startLoad({ baseUrl: stack.url, writers: 6 });
  const readers = startReaders(load, 4);
  const listeners = await Promise.all(Array.from({ length: SOCKETS }, listen));
  const { postgres: _, ...services } = stack.pids();
  for (let round = 0; round < ROUNDS; round++) {
    for (const signal of SIGNALS) {
      const answered = readers.answered();
      await load.more(BETWEEN);
      await expect.poll(() => readers.answered() - answered, { timeout: 60_000 }).toBeGreaterThan(BETWEEN);
      await stack.replace('postgres', signal);
    }
  }
  await load.more(BETWEEN);
  await stack.ready();
  await Promise.all([load.stop(), readers.stop()]);

  await expectInLog(stack, load);
  await expectViewsAsRebuilt(stack);
  await expectVisible(load);
  const frames = await expectEveryFrame(listeners);
  expectKinds(load.setbacks, ['status 503', 'in flight']);
  expectKinds(readers.setbacks, ['status 503']);
  expect(stack.pids()).toMatchObject(services);
  report(NUMBER, {
    ...Object.fromEntries(SIGNALS.map((signal) => [`restarts by ${signal}`, ROUNDS])),
    acknowledged: load.ledger.length,
    queries: readers.answered(),
    'answers 503': (load.setbacks['status 503'] ?? 0) + (readers.setbacks['status 503'] ?? 0),
    frames,
  });
  await Promise.all(listeners.map(({ client }) => client.close()));
});
