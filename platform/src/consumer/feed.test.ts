import { randomUUID } from 'node:crypto';
import { buildCatalogue } from '@annals/contracts/catalogue';
import { defineAggregate, defineEvent } from '@annals/contracts/kit/event';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { createEventLog } from '../event-log/event-log.ts';
import type { DomainEventBatch, EventLog, LogSubscription } from '../event-log/log.ts';
import { createMemoryEventStore } from '../event-store/memory.ts';
import { createMemoryKeyStore } from '../privacy/memory-keys.ts';
import { createFeed } from './feed.ts';

const tick = defineEvent({ version: 1, data: z.object({}) });
const catalogue = buildCatalogue([defineAggregate('clock', { Ticked: tick, Tocked: tick })]);
const both: ReadonlySet<string> = new Set(['Ticked', 'Tocked']);
const ticks: ReadonlySet<string> = new Set(['Ticked']);

let log: EventLog;
beforeEach(() => {
  log = createEventLog({ store: createMemoryEventStore(), catalogue, keys: createMemoryKeyStore() });
});

async function append(count: number): Promise<void> {
  const commandId = randomUUID();
  const metadata = {
    commandId,
    correlationId: commandId,
    causationId: commandId,
    actor: { kind: 'system' as const, id: null },
    occurredAt: '2026-11-22T10:00:00.000Z',
  };
  const events = Array.from({ length: count }, (_, index) => ({
    id: randomUUID(),
    type: index % 2 === 0 ? 'Ticked' : 'Tocked',
    data: {},
    metadata,
  }));
  await log.append('clock-1', events, 'any');
}

/** Follows until `signal`, noting what comes; waits for `gate` after each batch. */
function follower(
  follow: (subscription: LogSubscription & { from: string }) => AsyncIterable<DomainEventBatch>,
  from: string,
  types = both,
) {
  const stop = new AbortController();
  const seen: number[] = [];
  const gates: Promise<unknown>[] = [];
  let through = from;
  const done = (async () => {
    for await (const batch of follow({ from, types, signal: stop.signal })) {
      expect(batch.through >= through).toBe(true);
      through = batch.through;
      seen.push(...batch.events.map(({ revision }) => revision));
      await gates.shift();
    }
  })();
  const end = () => {
    stop.abort();
    return done;
  };
  return { seen, gates, end, through: () => through };
}

const eventually = (condition: () => void) => vi.waitFor(condition, { timeout: 15_000, interval: 5 });

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('a shared subscription', () => {
  test('gives every follower each event of its types once and in order, wherever it joins', async () => {
    const feed = createFeed(log, both);
    await append(10);
    const start = await log.start();
    const middle = (await log.read('clock-1'))[4]?.position ?? '';
    const followers = [
      follower(feed.follow, start),
      follower(feed.follow, middle),
      follower(feed.follow, start, ticks),
    ];
    for (let round = 0; round < 5; round++) {
      await append(10);
      const head = await log.head();
      await eventually(() => expect(followers.map(({ through }) => through())).toEqual([head, head, head]));
    }
    expect(followers[0]?.seen).toEqual(upTo(60));
    expect(followers[1]?.seen).toEqual(upTo(60).slice(5));
    expect(followers[2]?.seen).toEqual(upTo(60).filter((revision) => revision % 2 === 0));
    await Promise.all(followers.map(({ end }) => end()));
  });

  test('gives nothing twice to a follower that was ahead of it', async () => {
    const gate = Promise.withResolvers<void>();
    let subscriptions = 0;
    const late: EventLog = {
      ...log,
      async *subscribe(subscription) {
        // The first is a follower's own, the second the shared one.
        if (++subscriptions === 2) await gate.promise;
        yield* log.subscribe(subscription);
      },
    };
    const feed = createFeed(late, both);
    await append(2);
    const start = await log.start();
    const behind = follower(feed.follow, start);
    await eventually(() => expect(subscriptions).toBe(2));
    await append(2);
    const ahead = follower(feed.follow, start);
    await eventually(() => expect(ahead.seen).toEqual(upTo(4)));
    await append(2);
    gate.resolve();
    await eventually(() => expect(behind.seen).toEqual(upTo(6)));
    await eventually(() => expect(ahead.through()).toBe(behind.through()));
    expect(ahead.seen).toEqual(upTo(6));
    await Promise.all([behind.end(), ahead.end()]);
  });

  test('loses nothing for a follower that is too slow for it', async () => {
    const feed = createFeed(log, both);
    await append(2);
    const start = await log.start();
    const [quick, slow] = [follower(feed.follow, start), follower(feed.follow, start)];
    await eventually(() => expect(slow.seen).toHaveLength(2));
    const gate = Promise.withResolvers<void>();
    slow.gates.push(gate.promise);
    for (let round = 0; round < 12; round++) {
      await append(1_000);
      await eventually(() => expect(quick.seen).toHaveLength(2 + (round + 1) * 1_000));
    }
    expect(slow.seen.length).toBeLessThan(4_000);
    gate.resolve();
    await eventually(() => expect(slow.seen).toHaveLength(12_002));
    expect(slow.seen).toEqual(quick.seen);
    await Promise.all([quick.end(), slow.end()]);
  });

  test('that fails costs its followers nothing', async () => {
    let failures = 0;
    let open = 0;
    const shaky: EventLog = {
      ...log,
      async *subscribe(subscription) {
        open++;
        try {
          for await (const batch of log.subscribe(subscription)) {
            if (failures-- > 0) throw new Error('broken');
            yield batch;
          }
        } finally {
          open--;
        }
      },
    };
    const feed = createFeed(shaky, both);
    await append(2);
    const followers = [follower(feed.follow, await log.start()), follower(feed.follow, await log.start())];
    await eventually(() => expect(open).toBe(1));
    failures = 1;
    await append(2);
    await eventually(() => expect(followers.map(({ seen }) => seen)).toEqual([upTo(4), upTo(4)]));
    await eventually(() => expect(open).toBe(1));
    await Promise.all(followers.map(({ end }) => end()));
    await eventually(() => expect(open).toBe(0));
  });
});
