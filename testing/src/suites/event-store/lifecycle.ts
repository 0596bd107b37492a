import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type EventStore, EventStoreUnavailable } from '@annals/platform/event-store/port';
import { describe, expect, test } from 'vitest';
import { errorOf, type Fixture, newEvent, newEvents, newStream, next, take } from './kit.ts';

export function lifecycleTests(fixture: Fixture): void {
  describe('close', () => closeTests(fixture));
  describe('back-pressure', () => backPressureTests(fixture));
  describe.runIf(fixture.adapter.hasServer)('loss of the server', () => restartTests(fixture));
}

function closeTests({ log, store }: Fixture): void {
  test('closing while busy finishes the appends under way and ends the subscriptions', async () => {
    const busy = await log().open();
    const subscriptions = [busy.subscribe({ from: 'end' }), busy.subscribe({ from: 'start', batchSize: 1 })];
    const ended = Promise.all(subscriptions.map((subscription) => take(subscription, () => false)));
    const streams = Array.from({ length: 300 }, () => newStream());
    const appends = streams.map((stream) => busy.append(stream, newEvents(2), 'none'));
    await busy.close();
    expect((await Promise.all(appends)).every(({ revision }) => revision === 1)).toBe(true);
    await ended;
    const read = await Promise.all(streams.map((stream) => store().read(stream)));
    expect(read.every((events) => events.length === 2)).toBe(true);
  });

  test('a closed store refuses everything and may be closed again', async () => {
    const closed = await log().open();
    await Promise.all([closed.close(), closed.close()]);
    await closed.close();
    expect(await errorOf(closed.append(newStream(), newEvents(1), 'any'))).toBeInstanceOf(
      EventStoreUnavailable,
    );
    expect(await errorOf(closed.read(newStream()))).toBeInstanceOf(EventStoreUnavailable);
    expect(await errorOf(closed.head())).toBeInstanceOf(EventStoreUnavailable);
    expect(await errorOf(closed.beforeNewest(1))).toBeInstanceOf(EventStoreUnavailable);
    const subscribed = take(closed.subscribe({ from: 'end' }), () => true);
    expect(await errorOf(subscribed)).toBeInstanceOf(EventStoreUnavailable);
  });
}

function backPressureTests({ adapter, store, other }: Fixture): void {
  test('a reader that stops asking is owed nothing and misses nothing', async () => {
    const batches = store().subscribe({ from: 'end', batchSize: 10 })[Symbol.asyncIterator]();
    let { through } = await next(batches);
    const appends = Array.from({ length: 200 }, (_, n) =>
      other().append(newStream(), [newEvent({ n }), newEvent({ n })], 'none'),
    );
    const last = (await Promise.all(appends)).map(({ position }) => position).sort();
    const seen: string[] = [];
    while (through < (last.at(-1) ?? '')) {
      const batch = await next(batches);
      expect(batch.events.length).toBeLessThanOrEqual(10);
      seen.push(...batch.events.map((event) => event.id));
      through = batch.through;
    }
    expect(seen).toHaveLength(400);
    expect(new Set(seen).size).toBe(400);
    await batches.return?.();
  });

  test.runIf(adapter.hasServer)('a slow reader keeps memory flat', async () => {
    const from = await store().head();
    const slow = store().subscribe({ from, batchSize: 5 })[Symbol.asyncIterator]();
    const fast = (async () => {
      let delivered = 0;
      for await (const batch of store().subscribe({ from })) {
        delivered += batch.events.length;
        if (delivered === 60) return;
      }
    })();
    const before = usedMemory();
    for (let n = 0; n < 15; n++) {
      const appends = Array.from({ length: 4 }, () =>
        other().append(newStream(), [newEvent(`${n}`.padEnd(700_000, 'x'))], 'none'),
      );
      await Promise.all(appends);
      if (n === 5) expect((await next(slow)).events).toHaveLength(5);
    }
    await fast;
    // 42 MB were written; a store may keep a bounded tail of them, not all.
    expect(usedMemory() - before).toBeLessThan(28_000_000);
    let count = 5;
    while (count < 60) count += (await next(slow)).events.length;
    await slow.return?.();
  });
}

function restartTests({ log, store, other }: Fixture): void {
  const restart = async (): Promise<void> => log().restart?.();

  test('a live subscription goes on where it was, and appends, reads and head answer again', async () => {
    const batches = store().subscribe({ from: 'end' })[Symbol.asyncIterator]();
    await next(batches);
    for (let round = 0; round < 3; round++) {
      await restart();
      const stream = newStream();
      const events = newEvents(3);
      await other().append(stream, events, 'none');
      await store().append(stream, newEvents(1), 2);
      const seen: string[] = [];
      while (seen.length < 4) seen.push(...(await next(batches)).events.map((event) => event.id));
      expect(seen.slice(0, 3)).toEqual(events.map((event) => event.id));
      expect(await store().read(stream)).toHaveLength(4);
      expect((await store().head()) >= ((await store().read(stream))[3]?.position ?? '')).toBe(true);
    }
    await batches.return?.();
  });

  test('appends whose answers were lost happen once, also those that expect any revision', async () => {
    const from = await store().head();
    const streams = Array.from({ length: 20 }, () => newStream());
    const appended = streams.map(() => 0);
    const total = (): number => appended.reduce((sum, count) => sum + count, 0);
    let isEnough = false;
    const write = async (writer: EventStore, stream: string, index: number): Promise<void> => {
      for (let n = 0; !isEnough; n++) {
        const expected = n === 0 ? 'none' : n - 1;
        await writer.append(stream, [newEvent({ n })], index % 4 < 2 ? expected : 'any');
        appended[index] = n + 1;
      }
    };
    const writing = Promise.all(streams.map((stream, n) => write(n % 2 ? store() : other(), stream, n)));
    for (let restarts = 0; restarts < 12; restarts++) {
      const before = total();
      await expect.poll(total, { interval: 1, timeout: 10_000 }).toBeGreaterThan(before + 50);
      await restart();
    }
    isEnough = true;
    await writing;
    const live = await take(store().subscribe({ from, batchSize: 7 }), (_, batch) => batch.caughtUp);
    for (const [index, stream] of streams.entries()) {
      const numbers = live.events.filter((event) => event.stream === stream).map((event) => event.data);
      expect(numbers).toEqual(Array.from({ length: appended[index] ?? 0 }, (_, n) => ({ n })));
    }
    expect(await store().head()).toBe(live.events.at(-1)?.position);
  });
}

function usedMemory(): number {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
