import { type EventStore, type Position, UnknownPosition } from '@annals/platform/event-store/port';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  errorOf,
  type Fixture,
  type LogUnderTest,
  newEvent,
  newEvents,
  newStream,
  next,
  take,
} from './kit.ts';

const ids = (events: readonly { id: string }[]): string[] => events.map((event) => event.id);

export function subscribeTests(fixture: Fixture): void {
  describe('subscribe', () => {
    deliveryTests(fixture);
    endingTests(fixture);
    positionTests(fixture);
  });
  describe.runIf(!fixture.adapter.hasOneLog)('a log of its own', () => emptyLogTests(fixture));
}

function deliveryTests({ store, other }: Fixture): void {
  test('from is exclusive: a subscription goes on after the position it was given', async () => {
    const stream = newStream();
    const events = newEvents(5);
    await store().append(stream, events, 'none');
    const from = (await store().read(stream))[1]?.position ?? '';
    const { events: delivered } = await take(other().subscribe({ from }), (_, batch) => batch.caughtUp);
    expect(ids(delivered.filter((event) => event.stream === stream))).toEqual(ids(events.slice(2)));
  });

  test('delivers what read gives, each event once, in batches no larger than asked for', async () => {
    const from = await store().head();
    const stream = newStream();
    await store().append(stream, newEvents(25), 'none');
    const { events, batches } = await take(
      store().subscribe({ from, batchSize: 10 }),
      (all) => all.length === 25,
    );
    expect(events).toEqual(await store().read(stream));
    expect(Math.max(...batches.map((batch) => batch.events.length))).toBe(10);
    expect(batches.map((batch) => batch.through)).toEqual(
      batches.map((batch) => batch.events.at(-1)?.position),
    );
  });

  test('says caughtUp once at the head, then delivers what is appended by any store', async () => {
    const from = await store().head();
    await store().append(newStream(), newEvents(20), 'none');
    const batches = store().subscribe({ from, batchSize: 10 })[Symbol.asyncIterator]();
    const first = await next(batches);
    expect(first).toMatchObject({ events: { length: 10 }, caughtUp: false });
    let batch = first;
    while (!batch.caughtUp) batch = await next(batches);
    expect(batch.through).toBe(await store().head());
    for (const writer of [store(), other()]) {
      const [event] = newEvents(1);
      const { position } = await writer.append(newStream(), [event ?? newEvent()], 'none');
      batch = await next(batches);
      expect(ids(batch.events)).toEqual([event?.id]);
      expect(batch).toMatchObject({ through: position, caughtUp: true });
    }
    await batches.return?.();
  });

  test('end starts at the head', async () => {
    await store().append(newStream(), newEvents(3), 'none');
    const batches = store().subscribe({ from: 'end' })[Symbol.asyncIterator]();
    const head = await store().head();
    expect(await next(batches)).toEqual({ events: [], through: head, caughtUp: true });
    await other().append(newStream(), newEvents(1), 'none');
    expect((await next(batches)).events).toHaveLength(1);
    await batches.return?.();
  });

  test('a filter decides what is delivered; through moves past what is not', async () => {
    const from = await store().head();
    const filter = ({ type }: { type: string }): boolean => type === 'Wanted';
    for (let n = 0; n < 4; n++) await store().append(newStream(), newEvents(10), 'none');
    const wanted = newEvent({}, 'Wanted');
    await store().append(newStream(), [newEvent(), wanted, newEvent()], 'none');
    const { position: head } = await store().append(newStream(), newEvents(7), 'none');
    const { events, batches } = await take(
      store().subscribe({ from, filter, batchSize: 10 }),
      (_, batch) => batch.caughtUp,
    );
    expect(ids(events)).toEqual([wanted.id]);
    // Also batches that hold nothing arrive: a consumer's checkpoint moves while it searches.
    expect(batches.length).toBeGreaterThanOrEqual(5);
    const throughs = batches.map((batch) => batch.through);
    expect(throughs).toEqual([...throughs].sort());
    expect(throughs.at(-1)).toBe(head);
  });

  test('through also moves while it is live and nothing matches', async () => {
    const batches = store()
      .subscribe({ from: 'end', filter: () => false })
      [Symbol.asyncIterator]();
    await next(batches);
    for (let n = 0; n < 5; n++) {
      const { position } = await other().append(newStream(), newEvents(2), 'none');
      let batch = await next(batches);
      while (batch.through < position) batch = await next(batches);
      expect(batch).toEqual({ events: [], through: position, caughtUp: true });
    }
    await batches.return?.();
  });

  test('many subscribers, some slow, all get everything in order while two stores append', async () => {
    const from = await store().head();
    const total = 600;
    const noNoise = ({ stream }: { stream: string }): boolean => !stream.startsWith('noise');
    const reference = take(other().subscribe({ from, filter: noNoise }), (all) => all.length === total);
    const fast = [1, 7, 1_000].map((batchSize) =>
      take(store().subscribe({ from, batchSize, filter: noNoise }), (all) => all.length === total),
    );
    const slow = (async () => {
      const seen: string[] = [];
      for await (const batch of store().subscribe({ from, batchSize: 5, filter: noNoise })) {
        seen.push(...ids(batch.events));
        if (seen.length >= total) break;
        // Does not ask for more until others have been written.
        await other().append(newStream('noise'), newEvents(1), 'none');
      }
      return seen;
    })();
    await Promise.all(
      Array.from({ length: total }, (_, n) =>
        (n % 2 ? store() : other()).append(newStream(), newEvents(1), 'none'),
      ),
    );
    const expected = ids((await reference).events);
    for (const subscriber of fast) expect(ids((await subscriber).events)).toEqual(expected);
    expect(await slow).toEqual(expected);
  });
}

function endingTests({ store }: Fixture): void {
  test('an aborted signal ends it: while it waits, between batches, and before it begins', async () => {
    const waiting = new AbortController();
    const batches = store().subscribe({ from: 'end', signal: waiting.signal })[Symbol.asyncIterator]();
    await next(batches);
    const pending = batches.next();
    waiting.abort();
    expect((await pending).done).toBe(true);

    const between = new AbortController();
    const from = await store().head();
    await store().append(newStream(), newEvents(4), 'none');
    const paged = store().subscribe({ from, batchSize: 2, signal: between.signal })[Symbol.asyncIterator]();
    await next(paged);
    between.abort();
    expect((await paged.next()).done).toBe(true);

    const { events } = await take(store().subscribe({ from, signal: AbortSignal.abort() }), () => false);
    expect(events).toEqual([]);
  });

  test('leaving the loop ends it and leaves other subscriptions alone', async () => {
    const from = await store().head();
    const staying = take(store().subscribe({ from }), (events) => events.length === 3);
    await store().append(newStream(), newEvents(1), 'none');
    await take(store().subscribe({ from }), () => true);
    await store().append(newStream(), newEvents(2), 'none');
    expect((await staying).events).toHaveLength(3);
  });

  test('a filter that throws ends its own subscription with that error', async () => {
    const from = await store().head();
    await store().append(newStream(), newEvents(1), 'none');
    const filter = (): boolean => {
      throw new Error('broken filter');
    };
    await expect(take(store().subscribe({ from, filter }), () => false)).rejects.toThrow('broken filter');
    expect((await take(store().subscribe({ from }), () => true)).events).toHaveLength(1);
  });
}

function positionTests({ store }: Fixture): void {
  const malformed = ['', 'x', '00000000.zzzzzzzzzzzzzzzz', `0.${'0'.repeat(16)}`];

  test('a position of another log or past the head is refused, by check and by subscribe', async () => {
    const head = await store().head();
    await store().check(head);
    await store().check(await store().start());
    const past = `${head.slice(0, -4)}ffff`;
    const tooLarge = head.replace('.0', '.1');
    const foreign = `${head.startsWith('z') ? 'y' : 'z'}${head.slice(1)}`;
    for (const position of [past, tooLarge, foreign, ...malformed]) {
      expect(await errorOf(store().check(position))).toBeInstanceOf(UnknownPosition);
      const refused = take(store().subscribe({ from: position }), () => true);
      expect(await errorOf(refused)).toBeInstanceOf(UnknownPosition);
    }
  });

  test('beforeNewest is the position that so many events follow', async () => {
    const from = await store().head();
    expect(await store().beforeNewest(0)).toBe(from);
    await store().append(newStream(), newEvents(3), 'none');
    for (let n = 0; n < 20; n++) await store().append(newStream(), newEvents(1), 'none');
    for (const count of [0, 1, 7, 20, 21, 22, 23]) {
      const position = await store().beforeNewest(count);
      const { events } = await take(store().subscribe({ from: position }), (_, batch) => batch.caughtUp);
      expect(events).toHaveLength(count);
    }
    expect(await store().beforeNewest(23)).toBe(from);
  });

  test('every position given out may be checked at once, by another store as well', async () => {
    for (let n = 0; n < 5; n++) {
      const { position } = await store().append(newStream(), newEvents(1), 'none');
      await store().check(position);
      expect((await store().head()) >= position).toBe(true);
    }
  });
}

function emptyLogTests({ adapter }: Fixture): void {
  let log: LogUnderTest;
  let store: EventStore;
  let other: EventStore;
  beforeAll(async () => {
    log = await adapter.createLog();
    store = await log.open();
    other = await log.open();
  });
  afterAll(async () => {
    await Promise.all([store.close(), other.close()]);
    await log.drop();
  });

  test('an empty log: head is start, and a subscription is caught up there', async () => {
    const start = await store.start();
    expect(await other.start()).toBe(start);
    expect(await store.head()).toBe(start);
    const { batches } = await take(store.subscribe({ from: 'start' }), () => true);
    expect(batches).toEqual([{ events: [], through: start, caughtUp: true }]);
  });

  test('start delivers everything from the first event on', async () => {
    const positions: Position[] = [];
    for (let n = 0; n < 3; n++) {
      positions.push((await store.append(newStream(), newEvents(4), 'none')).position);
    }
    const { events } = await take(other.subscribe({ from: 'start' }), (_, batch) => batch.caughtUp);
    expect(events).toHaveLength(12);
    expect(await store.head()).toBe(positions.at(-1));
    expect(events.at(-1)?.position).toBe(positions.at(-1));
    expect((events[0]?.position ?? '') > (await store.start())).toBe(true);
    expect(await store.beforeNewest(1_000)).toBe(await store.start());
  });

  test('a position of one log is refused by another', async () => {
    const second = await adapter.createLog();
    const stranger = await second.open();
    await stranger.append(newStream(), newEvents(30), 'none');
    expect(await errorOf(stranger.check(await store.head()))).toBeInstanceOf(UnknownPosition);
    await stranger.close();
    await second.drop();
  });
}
