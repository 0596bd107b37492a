/** The adapter survives each listed hazard of its client: subscriptions. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventStoreDbStandIn } from '@annals/testing/servers/eventstoredb-stand-in/stand-in';
import { tcpProxy } from '@annals/testing/servers/tcp-proxy';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { EventStore, Position } from '../port.ts';
import { Connection } from './connection.ts';
import { feed } from './feed.ts';
import { follow, type Hazards, newEvent, newStream, next, openHazards, write } from './hazards.fixture.ts';

let hazards: Hazards;
let server: EventStoreDbStandIn;
let store: EventStore;

beforeAll(async () => {
  hazards = await openHazards();
  ({ server, store } = hazards);
});
afterEach(() => server.clear());
afterAll(() => hazards.close());

describe('a subscription', () => {
  test.each(['UNAVAILABLE', 'CANCELLED', 'UNKNOWN', 'INTERNAL'] as const)(
    'that ends with %s is begun anew after the last event, again and again',
    async (code) => {
      await server.fault({ on: 'subscribe', act: 'fail', code, times: 3 });
      // Nothing but the error tells this one.
      const live = await follow(await hazards.open({ watchMs: 60_000 }));
      await write(store, 4);
      expect(await live.until(4)).toEqual([0, 1, 2, 3]);
      await server.kill();
      await server.start();
      await write(store, 4, 4);
      expect(await live.until(8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      await live.end();
    },
  );

  test('begun anew delivers nothing twice', async () => {
    const proxy = await tcpProxy({ host: '127.0.0.1', port: server.port });
    const connection = new Connection(`esdb://127.0.0.1:${proxy.port}?tls=false`, undefined);
    const over = new AbortController();
    const from = await store.head();
    const log = from.slice(0, 8);
    const seen: unknown[] = [];
    const head = () => store.head();
    for await (const { entries } of feed({ connection, log, head }, from, over.signal)) {
      seen.push(...entries.map(({ event }) => event.data));
      if (seen.length % 5 === 0) proxy.cutClients();
      if (seen.length >= 15) over.abort();
      else if (entries.length > 0 || seen.length === 0) await write(store, 1, seen.length);
    }
    expect(seen).toEqual(Array.from({ length: 15 }, (_, n) => n));
    await connection.close();
    await proxy.close();
  });

  test('a checkpoint that runs ahead of what was delivered, or repeats, skips and repeats nothing', async () => {
    await server.fault({ on: 'subscribe', act: 'checkpoint-ahead', times: 2 });
    const live = await follow(store);
    await write(store, 3);
    expect(await live.until(3)).toEqual([0, 1, 2]);
    await live.end();
  });

  test('that is silent, though the head moves, is begun anew', async () => {
    await server.fault({ on: 'subscribe', act: 'silence' });
    const live = await follow(store);
    await write(store, 3);
    expect(await live.until(3)).toEqual([0, 1, 2]);
    await live.end();
  });

  test('in the middle of a transaction goes on with its next event: commit and prepare count', async () => {
    const from = await store.head();
    const stream = newStream();
    await store.append(stream, [newEvent(0), newEvent(1), newEvent(2)], 'none');
    const [first, second, third] = await store.read(stream);
    expect(new Set([first, second, third].map((event) => event?.position.slice(9, 25))).size).toBe(1);
    for (const [after, rest] of [
      [from, [0, 1, 2]],
      [first?.position, [1, 2]],
      [second?.position, [2]],
    ] as const) {
      const batches = store.subscribe({ from: after ?? '' })[Symbol.asyncIterator]();
      expect((await next(batches)).events.map(({ data }) => data)).toEqual(rest);
      await batches.return?.();
    }
  });

  test('that reads slowly is not pushed: others go on, and it misses nothing', async () => {
    const fast = await follow(store);
    const slow = store.subscribe({ from: 'end', batchSize: 3 })[Symbol.asyncIterator]();
    await next(slow);
    await write(store, 60);
    expect(await fast.until(60)).toHaveLength(60);
    const seen: unknown[] = [];
    while (seen.length < 60) seen.push(...(await next(slow)).events.map(({ data }) => data));
    expect(seen).toEqual(Array.from({ length: 60 }, (_, n) => n));
    await Promise.all([fast.end(), slow.return?.()]);
  });

  test('a process has one, however many subscribe', async () => {
    await server.clear();
    const all = await Promise.all([follow(store), follow(store), follow(store), follow(store)]);
    await write(store, 2);
    for (const one of all) expect(await one.until(2)).toEqual([0, 1]);
    expect((await server.counts()).subscribe).toBeLessThanOrEqual(1);
    await Promise.all(all.map((one) => one.end()));
  });
});

describe('a server that tells nobody how far he is', () => {
  /** What a feed from `from` on delivers, up to `count` events and the head: how many there were whenever it was there. */
  const headsOf = async (from: Position, count: number, whenLive: () => Promise<unknown>) => {
    const connection = new Connection(server.url, undefined);
    const over = new AbortController();
    const options = { connection, log: from.slice(0, 8), head: () => store.head(), watchMs: 50 };
    const heads: number[] = [];
    let seen = 0;
    for await (const { entries, isHead } of feed(options, from, over.signal)) {
      seen += entries.length;
      if (isHead) heads.push(seen);
      if (isHead && heads.length === 1) await whenLive();
      if (isHead && seen >= count) over.abort();
    }
    await connection.close();
    return heads;
  };

  test('is caught up with where it has delivered the head', async () => {
    const from = await store.head();
    await write(store, 20);
    await server.fault({ on: 'subscribe', act: 'tell-nothing', everyMs: 10 });
    expect(await headsOf(from, 20, async () => {})).toEqual([20]);
  });

  test('has fallen behind where the head has moved on', async () => {
    const from = await store.head();
    await server.fault({ on: 'subscribe', act: 'tell-nothing', everyMs: 10 });
    const heads = await headsOf(from, 20, async () => {
      await sleep(100);
      await store.append(
        newStream(),
        Array.from({ length: 20 }, (_, n) => newEvent(n)),
        'none',
      );
    });
    expect(heads).toEqual([0, 20]);
  });
});

describe('the server’s own events', () => {
  test('are not delivered and not counted: head and through are those of ours', async () => {
    const from = await store.head();
    await write(store, 30);
    const head = await store.head();
    expect(head > from).toBe(true);
    const [counted] = [await store.beforeNewest(30)];
    expect(counted).toBe(from);
    const batches = store.subscribe({ from, batchSize: 4 })[Symbol.asyncIterator]();
    const types = new Set<string>();
    for (;;) {
      const batch = await next(batches);
      for (const event of batch.events) types.add(event.type);
      if (!batch.caughtUp) continue;
      expect(batch.through).toBe(head);
      break;
    }
    expect([...types]).toEqual(['ThingHappened']);
    await batches.return?.();
  });
});
