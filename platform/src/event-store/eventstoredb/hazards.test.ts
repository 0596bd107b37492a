/** The adapter survives each hazard of the client that it stands on, shown on a stand-in that makes them happen. */
import { randomUUID } from 'node:crypto';
import {
  type EventStoreDbStandIn,
  type RawEvent,
  startEventStoreDbStandIn,
} from '@annals/testing/servers/eventstoredb-stand-in/stand-in';
import { tcpProxy } from '@annals/testing/servers/tcp-proxy';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type EventBatch, type EventStore, EventTooLarge, type NewEvent } from '../port.ts';
import { UnreadableRecord } from './errors.ts';
import { createEventStoreDbEventStore } from './store.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

/** Short, so that what must be waited for takes no longer than it must. */
const timing = { answerMs: 700, watchMs: 150 };

let server: EventStoreDbStandIn;
let store: EventStore;
const opened: EventStore[] = [];

const open = async (url = server.url, answerMs = timing.answerMs): Promise<EventStore> => {
  const one = await createEventStoreDbEventStore({
    url,
    application: 'hazards',
    timing: { ...timing, answerMs },
  });
  opened.push(one);
  return one;
};

beforeAll(async () => {
  server = await startEventStoreDbStandIn();
  store = await open();
});
afterEach(async () => {
  await server.clear();
});
afterAll(async () => {
  await Promise.all(opened.map((one) => one.close()));
  await server.remove();
});

function newEvent(data: unknown = {}, type = 'ThingHappened'): NewEvent {
  return { id: randomUUID(), type, data, metadata: {} };
}

/** An event as it goes past the client. */
function raw(): RawEvent {
  return { id: randomUUID(), type: 'Raw', contentType: 'application/json', data: '{}', metadata: '{}' };
}

function newStream(): string {
  return `thing-${randomUUID()}`;
}

async function next(batches: AsyncIterator<EventBatch>): Promise<EventBatch> {
  const result = await batches.next();
  if (result.done) throw new Error('the subscription has ended');
  return result.value;
}

/** A live subscription, and what it delivers, by the numbers in its events' data. */
async function follow(of: EventStore = store) {
  const batches = of.subscribe({ from: 'end' })[Symbol.asyncIterator]();
  await next(batches);
  const seen: unknown[] = [];
  return {
    seen,
    until: async (count: number): Promise<readonly unknown[]> => {
      while (seen.length < count) seen.push(...(await next(batches)).events.map(({ data }) => data));
      return seen;
    },
    end: () => batches.return?.(),
  };
}

/** Appends `count` events in a row to a stream of their own, with the numbers from `from` on as data. */
async function write(count: number, from = 0): Promise<void> {
  const stream = newStream();
  for (let n = 0; n < count; n++) await store.append(stream, [newEvent(from + n)], n === 0 ? 'none' : n - 1);
}

describe('appends whose outcome the client does not know', () => {
  test('one map of the process holds all that wait: a failing stream of one store neither loses nor doubles those of another', async () => {
    const other = await open(server.url, 5_000);
    const proxied = await tcpProxy({ host: '127.0.0.1', port: server.port });
    const failing = await open(`esdb://127.0.0.1:${proxied.port}?tls=false`, 5_000);
    await Promise.all(
      [...Array.from({ length: 40 }, () => other), failing].map((one) =>
        one.append(newStream(), [newEvent()], 'none'),
      ),
    );
    await server.clear();
    await server.fault({ on: 'append', act: 'hold', times: 20 });
    const streams = Array.from({ length: 19 }, newStream);
    const appends = streams.map((stream) => other.append(stream, [newEvent()], 'none'));
    const own = failing.append(newStream(), [newEvent()], 'none');
    await expect.poll(async () => (await server.counts()).arrived).toBeGreaterThanOrEqual(20);
    proxied.cutClients();
    await own;
    // The answers come now, to a client that has forgotten who waits for them.
    await server.release();
    for (const { revision } of await Promise.all(appends)) expect(revision).toBe(0);
    for (const stream of streams) expect(await store.read(stream)).toHaveLength(1);
    await proxied.close();
  });

  test('hundreds of appends under way when the connection is lost happen once each, and nothing rejects unheard', async () => {
    const proxied = await tcpProxy({ host: '127.0.0.1', port: server.port });
    const remote = await open(`esdb://127.0.0.1:${proxied.port}?tls=false`, 5_000);
    await Promise.all(Array.from({ length: 300 }, () => remote.append(newStream(), [newEvent()], 'none')));
    await server.clear();
    const large = 'x'.repeat(20_000);
    const streams = Array.from({ length: 200 }, newStream);
    const appends = streams.map((stream) => remote.append(stream, [newEvent({ large })], 'none'));
    const arrived = async () => (await server.counts()).arrived;
    await expect.poll(arrived, { interval: 1, timeout: 10_000 }).toBeGreaterThan(1);
    proxied.cutClients();
    await Promise.all(appends);
    for (const stream of streams) expect(await store.read(stream)).toHaveLength(1);
    await proxied.close();
  });

  test.each([
    ['UNAVAILABLE', true],
    ['UNAVAILABLE', false],
    ['CANCELLED', true],
    ['UNKNOWN', true],
    ['INTERNAL', false],
    ['DEADLINE_EXCEEDED', true],
  ] as const)(
    '%s, appended already: %s: it is tried again as it was, and happens once',
    async (code, isApplied) => {
      for (const expected of ['none', 'any'] as const) {
        const stream = newStream();
        await server.fault({ on: 'append', act: 'fail', code, isApplied });
        expect((await store.append(stream, [newEvent(), newEvent()], expected)).revision).toBe(1);
        expect(await store.read(stream)).toHaveLength(2);
      }
    },
  );

  test.each(['Timeout', 'Unknown', 'NotReady'] as const)('%s for one append alone', async (error) => {
    const stream = newStream();
    await server.fault({ on: 'append', act: 'refuse', error, isApplied: error !== 'NotReady' });
    const { position } = await store.append(stream, [newEvent()], 'none');
    expect((await store.read(stream)).map((event) => event.position)).toEqual([position]);
  });

  test('it is tried again with the revision it began with: what others appended meanwhile is a conflict', async () => {
    const stream = newStream();
    await store.append(stream, [newEvent()], 'none');
    await server.fault({ on: 'append', act: 'fail', code: 'UNAVAILABLE', isApplied: false, times: 1_000 });
    const losing = store.append(stream, [newEvent()], 0).catch((error: unknown) => error);
    await expect.poll(async () => (await server.counts()).arrived).toBeGreaterThan(0);
    await server.inject(stream, [raw()]);
    await server.clear();
    expect(await losing).toMatchObject({ name: 'RevisionConflict', expected: 0, actual: 1 });
  });

  test('the client has no timer of its own: an answer that never comes is given up, and the append found', async () => {
    const stream = newStream();
    await server.fault({ on: 'append', act: 'silence', isApplied: true });
    expect((await store.append(stream, [newEvent()], 'none')).revision).toBe(0);
    expect(await store.read(stream)).toHaveLength(1);
  });

  test('another leader: the next call goes there', async () => {
    const stream = newStream();
    await server.fault({ on: 'append', act: 'not-leader', host: '127.0.0.1', port: server.port });
    expect((await store.append(stream, [newEvent()], 'none')).revision).toBe(0);
  });
});

describe('a channel', () => {
  test('that is dead after UnknownError is given up: the next call has another', async () => {
    const proxied = await tcpProxy({ host: '127.0.0.1', port: server.port });
    const remote = await open(`esdb://127.0.0.1:${proxied.port}?tls=false`);
    await remote.append(newStream(), [newEvent()], 'none');
    proxied.dropAnswers();
    // Nothing comes on this connection any more, and nothing closes it.
    const started = performance.now();
    expect((await remote.append(newStream(), [newEvent()], 'none')).revision).toBe(0);
    expect(performance.now() - started).toBeLessThan(5_000);
    await proxied.close();
  });

  test('is warmed by one append: the others wait for its answer', async () => {
    const cold = await open();
    await server.clear();
    await server.fault({ on: 'append', act: 'hold', times: 200 });
    const appends = Array.from({ length: 150 }, () => cold.append(newStream(), [newEvent()], 'none'));
    await expect.poll(async () => (await server.counts()).arrived).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await server.counts()).arrived).toBe(1);
    await server.clear();
    await Promise.all(appends);
    expect((await server.counts()).batchAppend).toBeLessThanOrEqual(1);
  });

  test('for commands is not that of subscriptions: one that fails leaves the other alone', async () => {
    const live = await follow();
    await write(1);
    await live.until(1);
    await server.clear();
    await server.fault({ on: 'append', act: 'fail', code: 'UNAVAILABLE', isApplied: false });
    await write(2, 1);
    expect(await live.until(3)).toEqual([0, 1, 2]);
    expect((await server.counts()).subscribe).toBe(0);
    await live.end();
  });

  test('appends share one call: batch append is used, and nothing gives it up', async () => {
    await server.clear();
    await write(5);
    expect(await server.counts()).toMatchObject({ append: 0 });
  });
});

describe('answers', () => {
  test('without a position are read back', async () => {
    const stream = newStream();
    await server.fault({ on: 'append', act: 'no-position' });
    const { revision, position } = await store.append(stream, [newEvent(), newEvent()], 'none');
    expect(revision).toBe(1);
    expect((await store.read(stream))[1]?.position).toBe(position);
  });

  test('with data that is no JSON are an error, which the client hides', async () => {
    const stream = newStream();
    await server.inject(stream, [{ ...raw(), data: '{"cut' }]);
    await expect(store.read(stream)).rejects.toThrow(UnreadableRecord);
    const other = newStream();
    await server.inject(other, [{ ...raw(), metadata: '{"cut' }]);
    await expect(store.read(other)).rejects.toThrow(UnreadableRecord);
  });

  test('an append larger than the server allows is refused as too large', async () => {
    const events = [newEvent('x'.repeat(800_000)), newEvent('x'.repeat(800_000))];
    await expect(store.append(newStream(), events, 'none')).rejects.toThrow(EventTooLarge);
  });

  test('to reads: a failing one and one that never comes are tried again', async () => {
    const stream = newStream();
    await store.append(stream, [newEvent(1)], 'none');
    await server.fault({ on: 'read', act: 'fail', code: 'UNAVAILABLE' });
    await server.fault({ on: 'read', act: 'fail', code: 'UNKNOWN' });
    await server.fault({ on: 'read', act: 'silence' });
    expect(await store.read(stream)).toHaveLength(1);
  });
});

describe('a subscription', () => {
  test.each(['UNAVAILABLE', 'CANCELLED', 'UNKNOWN', 'INTERNAL'] as const)(
    'that ends with %s is begun anew after the last event, again and again',
    async (code) => {
      await server.fault({ on: 'subscribe', act: 'fail', code, times: 3 });
      const live = await follow();
      await write(4);
      expect(await live.until(4)).toEqual([0, 1, 2, 3]);
      await server.kill();
      await server.start();
      await write(4, 4);
      expect(await live.until(8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      await live.end();
    },
  );

  test('a checkpoint that runs ahead of what was delivered, or repeats, skips and repeats nothing', async () => {
    await server.fault({ on: 'subscribe', act: 'checkpoint-ahead', times: 2 });
    const live = await follow();
    await write(3);
    expect(await live.until(3)).toEqual([0, 1, 2]);
    await live.end();
  });

  test('that is silent, though the head moves, is begun anew', async () => {
    await server.fault({ on: 'subscribe', act: 'silence' });
    const live = await follow();
    await write(3);
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
    const fast = await follow();
    const slow = store.subscribe({ from: 'end', batchSize: 3 })[Symbol.asyncIterator]();
    await next(slow);
    await write(60);
    expect(await fast.until(60)).toHaveLength(60);
    const seen: unknown[] = [];
    while (seen.length < 60) seen.push(...(await next(slow)).events.map(({ data }) => data));
    expect(seen).toEqual(Array.from({ length: 60 }, (_, n) => n));
    await Promise.all([fast.end(), slow.return?.()]);
  });

  test('a process has one, however many subscribe', async () => {
    await server.clear();
    const all = await Promise.all([follow(), follow(), follow(), follow()]);
    await write(2);
    for (const one of all) expect(await one.until(2)).toEqual([0, 1]);
    expect((await server.counts()).subscribe).toBeLessThanOrEqual(1);
    await Promise.all(all.map((one) => one.end()));
  });
});

describe('the server’s own events', () => {
  test('are not delivered and not counted: head and through are those of ours', async () => {
    const from = await store.head();
    await write(30);
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
