import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FiredFault } from '../faults/plan.ts';
import { sharedStack } from '../shared-stack.ts';
import { counts } from './counts.ts';
import { openSockets } from './push/open-sockets.ts';
import { publishedSince } from './push/published.ts';
import { createPublishers, type Publishers } from './push/publishers.ts';
import { mishapsOf, type ReconnectingSocket } from './push/reconnecting-socket.ts';
import { crashesByPoint, report } from './report.ts';
import { insist, type Setbacks } from './retrying-api.ts';

const rounds = counts(1, 10);
const anonymousSockets = counts(20, 100);
const authorsSockets = counts(6, 30);

const stack = sharedStack();
let publishers: Publishers;
const setbacks: Setbacks = {};
const sockets: ReconnectingSocket[] = [];
const crashes: FiredFault[] = [];

beforeAll(async () => {
  publishers = await createPublishers(stack.url, (person, route, options) =>
    insist(person.api, route, options, setbacks),
  );
});
afterAll(async () => {
  await Promise.all(sockets.map((socket) => socket.close()));
  await stack.stop();
});

/** Publishes, and cuts connections at random, while `disturbance` lasts. */
async function underLoad(disturbance: () => Promise<void>): Promise<void> {
  const over = new AbortController();
  const whileLasts = async (turn: () => Promise<void>, pauseMs: number) => {
    while (!over.signal.aborted) {
      await turn();
      await sleep(Math.random() * pauseMs);
    }
  };
  const cut = async () => sockets[Math.floor(Math.random() * sockets.length)]?.cut();
  const work = [...publishers.turns.map((turn) => whileLasts(turn, 10)), whileLasts(cut, 100)];
  const disturbed = disturbance().finally(() => over.abort());
  await Promise.all([disturbed, ...work]);
}

async function disturb(): Promise<void> {
  await stack.kill('notifier');
  const point = (['read', 'written', 'committed'] as const)[Math.floor(Math.random() * 3)] ?? 'read';
  const fault = { service: 'projector', point, match: 'push_log', action: 'kill' } as const;
  crashes.push(await stack.faults.arm(fault).fired());
  await stack.kill('notifier-2');
  const { postgres } = stack.pids();
  stack.signal('postgres', 'SIGINT');
  await stack.restarted('postgres', postgres ?? 0);
  await stack.ready();
}

test('a reconnecting socket misses nothing and sees nothing twice', async () => {
  sockets.push(
    ...openSockets(stack.url, publishers, { anonymous: anonymousSockets, authors: authorsSockets }),
  );
  for (let round = 0; round < rounds; round++) await underLoad(disturb);

  const { channels } = await publishedSince(stack, publishers.since);
  const owed = (channel: string) => channels.get(channel) ?? [];
  const reached = (socket: ReconnectingSocket) =>
    [...socket.seen.keys()].every((channel) => socket.position(channel) >= (owed(channel).at(-1) ?? ''));
  await expect.poll(() => sockets.filter((socket) => !reached(socket)).length, { timeout: 60_000 }).toBe(0);
  for (const socket of sockets)
    for (const [channel, positions] of socket.seen) expect(positions).toEqual(owed(channel));

  const mishaps = mishapsOf(sockets);
  const sum = (key: 'connections' | 'recoveries') =>
    sockets.reduce((total, socket) => total + socket[key], 0);
  expect(sum('connections')).toBeGreaterThan(sockets.length);
  report(7, {
    sockets: sockets.length,
    'events published': [...channels.values()].flat().length,
    connections: sum('connections'),
    recoveries: sum('recoveries'),
    'recovered: false': mishaps['not recovered'] ?? 0,
    'kills of notifiers': 2 * rounds,
    'restarts of PostgreSQL': rounds,
    ...crashesByPoint(crashes),
  });
});
