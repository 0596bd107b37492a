import { describe, expect, test, vi } from 'vitest';
import { LivePages } from './live.ts';
import type { EventBatch, Position, SubscribeOptions } from './port.ts';
import { formatPosition, parsePosition } from './position.ts';
import { AnnouncedLog } from './postgres/announced-log.ts';
import { follow } from './subscription.ts';
import type { TailEvent } from './tail.ts';

const LOG = 'aaaaaaaa';
const at = (number: number): Position => formatPosition(LOG, number);

/** A log in memory behind the reader that subscriptions share, and the subscriptions. */
function setUp() {
  const entries: TailEvent[] = [];
  const page = vi.fn(async (after: Position, limit: number) => {
    await new Promise(setImmediate);
    const start = parsePosition(LOG, after);
    const found = entries.slice(start, start + limit);
    return { entries: found, isHead: found.length < limit };
  });
  const source = new AnnouncedLog({ reader: { page }, onFailure: () => {} });
  const live = new LivePages({ source, onFailure: () => {} });
  const write = (count: number): void => {
    for (let n = 0; n < count; n++) {
      const number = entries.length + 1;
      const event = {
        id: `${number}`,
        type: 'T',
        data: {},
        metadata: {},
        stream: 's',
        revision: 0,
        position: at(number),
      };
      entries.push({ event, bytes: 1_000 });
    }
    source.notify(at(entries.length));
  };
  const ended = new AbortController();
  async function* subscribe(options: Partial<SubscribeOptions> = {}): AsyncGenerator<EventBatch> {
    live.enter();
    try {
      yield* follow(live, Promise.resolve(at(0)), { from: 'start', ...options }, ended.signal);
    } finally {
      live.leave();
    }
  }
  return { page, live, write, subscribe, end: () => ended.abort() };
}

async function nextIds(batches: AsyncIterator<EventBatch>): Promise<string[]> {
  const result = await batches.next();
  return result.done ? ['done'] : result.value.events.map((event) => event.id);
}

describe('LivePages', () => {
  test('caught-up subscriptions share one reader: a new event costs one page, not one for each', async () => {
    const { page, write, subscribe, end } = setUp();
    const subscriptions = Array.from({ length: 20 }, () => subscribe());
    for (const batches of subscriptions) expect(await nextIds(batches)).toEqual([]);
    page.mockClear();
    for (let number = 1; number <= 30; number++) {
      const waiting = subscriptions.map(nextIds);
      write(1);
      for (const ids of await Promise.all(waiting)) expect(ids).toEqual([`${number}`]);
    }
    // One page for each event; a few of the poll.
    expect(page.mock.calls.length).toBeLessThan(30 + 10);
    end();
  });

  test('a subscription that falls behind the tail reads by itself and misses nothing', async () => {
    const { page, write, subscribe, end } = setUp();
    const [fast, slow] = [subscribe(), subscribe({ batchSize: 100 })];
    await Promise.all([nextIds(fast), nextIds(slow)]);
    const caughtUp: string[] = [];
    while (caughtUp.length < 10_000) {
      const waiting = nextIds(fast);
      if (caughtUp.length % 1_000 === 0) write(1_000);
      caughtUp.push(...(await waiting));
    }
    page.mockClear();
    const seen: string[] = [];
    while (seen.length < 10_000) seen.push(...(await nextIds(slow)));
    expect(seen).toEqual(Array.from({ length: 10_000 }, (_, n) => `${n + 1}`));
    expect(page.mock.calls.filter(([, limit]) => limit === 100).length).toBeGreaterThan(50);
    end();
  });

  test('reads nothing when nobody subscribes, and starts over with the next subscription', async () => {
    const { page, write, subscribe } = setUp();
    for (let round = 0; round < 2; round++) {
      const batches = subscribe();
      await nextIds(batches);
      const waiting = nextIds(batches);
      write(1);
      await waiting;
      await batches.return(undefined);
      page.mockClear();
      write(1);
      await new Promise(setImmediate);
      expect(page).not.toHaveBeenCalled();
    }
  });

  test('a failure that no retry heals reaches every subscription', async () => {
    const { page, write, subscribe } = setUp();
    const subscriptions = [subscribe(), subscribe()];
    for (const batches of subscriptions) await nextIds(batches);
    write(1);
    for (const batches of subscriptions) expect(await nextIds(batches)).toEqual(['1']);
    const waiting = subscriptions.map((batches) => nextIds(batches));
    page.mockRejectedValue(new SyntaxError('broken row'));
    write(1);
    for (const result of await Promise.allSettled(waiting)) {
      expect(result).toMatchObject({ status: 'rejected', reason: { message: 'broken row' } });
    }
  });
});
