import {
  type ConsumerKit,
  type CountingOptions,
  counting,
  eventually,
  openConsumerKit,
} from '@annals/testing/consumer-kit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UndecodableEvent } from '../event-log/log.ts';
import type { Consumers } from './runtime.ts';
import type { RepairRequest } from './store.ts';

let kit: ConsumerKit;
beforeEach(async () => {
  kit = await openConsumerKit();
});
afterEach(() => kit.drop());

const counted = (id: string, by = 1) => ['Counted', { id, by }] as const;
const statusOf = async () => (await kit.store.status()).find(({ consumer }) => consumer === 'counts_v1');
const texts = async () => Object.fromEntries(await kit.texts('counts_v1'));

/** What a projection that counts would hold after `seen` events. */
const doc = (count: number, seen: readonly number[]) => JSON.stringify({ count, seen });

/** Throws for the keys in `bad`. */
const failingFor =
  (bad: ReadonlySet<string>, error = new RangeError('poison')) =>
  (key: string) => {
    if (bad.has(key)) throw error;
  };

async function run(
  options: CountingOptions,
  more: Parameters<ConsumerKit['run']>[2] = {},
): Promise<Consumers> {
  return kit.run('one', [counting(options)], more);
}

/** Asks and waits for the outcome. */
async function carriedOut(consumers: Consumers, request: RepairRequest): Promise<string> {
  const id = await consumers.request(request);
  return eventually(async () => {
    const outcome = (await consumers.requests()).find((one) => one.id === id)?.outcome;
    if (!outcome) throw new Error('still waiting');
    return outcome;
  });
}

describe('an event that cannot be folded', () => {
  test('parks its document from there on; everything else flows, in the same batch and later', async () => {
    const bad = new Set<string>();
    await run({ onEvolve: failingFor(bad) });
    await kit.append(counted('a'), counted('b'));
    await kit.caughtUp('counts_v1');
    bad.add('a');
    await kit.append(counted('a', 10), counted('b', 10));
    await kit.caughtUp('counts_v1');
    bad.delete('a');
    await kit.append(['Moved', { from: 'a', to: 'b' }], counted('c'));
    await kit.caughtUp('counts_v1');
    expect(await texts()).toEqual({ a: doc(1, [0]), b: doc(12, [0, 1, 0]), c: doc(1, [0]) });
    const parked = await kit.store.parkedEvents('counts_v1', 'a', null, 10);
    expect(parked.map(({ stream, revision, error }) => ({ stream, revision, error }))).toEqual([
      { stream: 'counter-a', revision: 1, error: 'RangeError' },
      { stream: 'counter-all', revision: 0, error: null },
    ]);
    expect(await statusOf()).toMatchObject({ parkedKeys: 1, held: null });
  });

  test('stays parked over a restart, without being tried again unasked', async () => {
    const bad = new Set(['a']);
    const first = await run({ onEvolve: failingFor(bad) });
    await kit.append(counted('a'));
    await kit.caughtUp('counts_v1');
    await first.stop();
    await run({});
    await kit.append(counted('a'));
    await kit.caughtUp('counts_v1');
    expect(await texts()).toEqual({});
    expect(await kit.store.parkedEvents('counts_v1', 'a', null, 10)).toHaveLength(2);
  });

  test('is folded on request once it can be, with all that queues behind it, in order', async () => {
    const bad = new Set(['a']);
    const consumers = await run({ onEvolve: failingFor(bad) });
    await kit.append(counted('a', 1), counted('b'), ['Moved', { from: 'b', to: 'a' }], counted('a', 5));
    await kit.caughtUp('counts_v1');
    const retry = { consumer: 'counts_v1', action: 'retry', key: 'a' } as const;
    expect(await carriedOut(consumers, retry)).toBe('failed again: RangeError');
    expect(await statusOf()).toMatchObject({ parkedKeys: 1 });
    bad.clear();
    expect(await carriedOut(consumers, retry)).toBe('retried');
    await kit.append(counted('a', 100));
    await kit.caughtUp('counts_v1');
    expect(await texts()).toEqual({ a: doc(107, [0, 0, 1, 2]), b: doc(0, [0, 0]) });
    expect(await statusOf()).toMatchObject({ parkedKeys: 0 });
    expect(await carriedOut(consumers, retry)).toBe('nothing is parked for this key');
  });

  test('is forgotten on request, with all that queues behind it', async () => {
    const bad = new Set<string>();
    const consumers = await run({ onEvolve: failingFor(bad) });
    await kit.append(counted('a', 1));
    await kit.caughtUp('counts_v1');
    bad.add('a');
    await kit.append(counted('a', 10), counted('a', 20));
    await kit.caughtUp('counts_v1');
    bad.clear();
    expect(await carriedOut(consumers, { consumer: 'counts_v1', action: 'discard', key: 'a' })).toBe(
      'discarded',
    );
    await kit.append(counted('a', 100));
    await kit.caughtUp('counts_v1');
    expect(await texts()).toEqual({ a: doc(101, [0, 3]) });
  });

  test.each(['retry', 'discard'] as const)('is followed by what came during its %s', async (action) => {
    const bad = new Set<string>();
    const [repairing, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const commit: ConsumerKit['store']['commit'] = async (claim, to, writes, repair) => {
      const moved = await kit.store.commit(claim, to, writes, repair);
      if (repair) repairing.resolve();
      if (repair) await goOn.promise;
      return moved;
    };
    const consumers = await run({ onEvolve: failingFor(bad) }, { store: { ...kit.store, commit } });
    await kit.append(counted('a', 3));
    await kit.caughtUp('counts_v1');
    bad.add('a');
    await kit.append(counted('a', 10));
    await kit.caughtUp('counts_v1');
    bad.delete('a');
    const outcome = carriedOut(consumers, { consumer: 'counts_v1', action, key: 'a' });
    await repairing.promise;
    await kit.append(counted('a', 100));
    // The batch arrives, and is loaded ahead, while the repair has not ended.
    await new Promise((resolve) => setTimeout(resolve, 200));
    goOn.resolve();
    await outcome;
    await kit.caughtUp('counts_v1');
    expect(await texts()).toEqual({ a: action === 'retry' ? doc(113, [0, 1, 2]) : doc(103, [0, 2]) });
  });

  test('shows nothing that was erased since, and ends erased', async () => {
    const bad = new Set<string>();
    const consumers = await run({ onEvolve: failingFor(bad), erasers: ['Removed'] });
    await kit.append(counted('a', 3), counted('b'));
    await kit.caughtUp('counts_v1');
    bad.add('a');
    await kit.append(counted('a', 10));
    await kit.caughtUp('counts_v1');
    expect(await texts()).toEqual({ a: doc(3, [0]), b: doc(1, [0]) });
    await kit.append(['Removed', { id: 'a' }]);
    await kit.caughtUp('counts_v1');
    expect(await texts()).toEqual({ b: doc(1, [0]) });
    expect(await statusOf()).toMatchObject({ parkedKeys: 1 });
    bad.clear();
    expect(await carriedOut(consumers, { consumer: 'counts_v1', action: 'retry', key: 'a' })).toBe('retried');
    expect(await texts()).toEqual({ b: doc(1, [0]) });
  });

  test('is carried out by whoever holds the lease, asked through any process', async () => {
    const bad = new Set(['a']);
    await run({ onEvolve: failingFor(bad) });
    await kit.append(counted('a'));
    await kit.caughtUp('counts_v1');
    bad.clear();
    const elsewhere = await kit.run('two', []);
    expect(await carriedOut(elsewhere, { consumer: 'counts_v1', action: 'retry', key: 'a' })).toBe('retried');
    expect(await texts()).toEqual({ a: doc(1, [0]) });
  });
});

describe('a document that the database refuses', () => {
  test('is found within its batch and parked; the rest of the batch is written', async () => {
    const consumers = await run({});
    await kit.append(counted('big', 1));
    await kit.caughtUp('counts_v1');
    await kit.append(
      ...Array.from({ length: 40 }, (_, index) => counted(`k${index}`)),
      counted('big', 2 ** 40),
    );
    await kit.append(counted('huge', 2 ** 50), counted('big', 3));
    await kit.caughtUp('counts_v1');
    expect(await texts()).toMatchObject({ k0: doc(1, [0]), k39: doc(1, [0]), big: doc(1, [0]) });
    expect(await kit.store.parkedKeys('counts_v1')).toEqual(expect.arrayContaining(['huge', 'big']));
    const [first] = await kit.store.parkedEvents('counts_v1', 'huge', null, 1);
    expect(first?.error).toBe('22003');
    expect(await carriedOut(consumers, { consumer: 'counts_v1', action: 'retry', key: 'huge' })).toBe(
      'failed again: 22003',
    );
  });
});

describe('a projection is held', () => {
  test('at an event whose keys cannot be told; what lies before it is handled, nothing after it', async () => {
    const bad = new Set(['x']);
    await run({ onKeys: failingFor(bad) });
    await kit.append(counted('a'), counted('b'));
    const position = await kit.append(counted('x'));
    await kit.append(counted('a'), counted('b'));
    await eventually(async () => expect((await statusOf())?.held).toEqual({ position, error: 'RangeError' }));
    expect(await texts()).toEqual({ a: doc(1, [0]), b: doc(1, [0]) });
    expect(await statusOf()).toMatchObject({ parkedKeys: 0, owner: 'one' });
  });

  test('until a release that can tell them', async () => {
    const first = await run({ onKeys: failingFor(new Set(['x'])) });
    await kit.append(counted('x'), counted('a'));
    await eventually(async () => expect((await statusOf())?.held).not.toBeNull());
    await first.stop();
    await run({});
    await kit.caughtUp('counts_v1');
    expect(await texts()).toEqual({ a: doc(1, [0]), x: doc(1, [0]) });
    expect(await statusOf()).toMatchObject({ held: null });
  });

  test('or until an operator has it skipped, at that event and no other', async () => {
    const consumers = await run({ onKeys: failingFor(new Set(['x'])) });
    await kit.append(counted('a'));
    const position = await kit.append(counted('x'));
    const later = await kit.append(counted('a'));
    await eventually(async () => expect((await statusOf())?.held).not.toBeNull());
    const skip = (at: string) =>
      carriedOut(consumers, { consumer: 'counts_v1', action: 'skip', position: at });
    expect(await skip(later)).toBe('not held there');
    expect(await skip(position)).toBe('skipped');
    await kit.caughtUp('counts_v1');
    expect(await texts()).toEqual({ a: doc(2, [0, 1]) });
    expect(await statusOf()).toMatchObject({ held: null });
  });

  test('and knows where it was held after a restart', async () => {
    const bad = failingFor(new Set(['x']));
    const first = await run({ onKeys: bad });
    const position = await kit.append(counted('x'));
    await eventually(async () => expect((await statusOf())?.held).toMatchObject({ position }));
    await first.stop();
    const id = await first.request({ consumer: 'counts_v1', action: 'skip', position });
    const second = await run({ onKeys: bad });
    await kit.caughtUp('counts_v1');
    expect((await second.requests()).find((request) => request.id === id)?.outcome).toBe('skipped');
  });

  test('at an event that cannot be decoded', async () => {
    const broken = { ...kit.log };
    broken.subscribe = async function* (subscription) {
      for await (const batch of kit.log.subscribe(subscription)) {
        const index = batch.events.findIndex(({ type }) => type === 'Removed');
        const bad = batch.events[index];
        if (!bad) yield batch;
        else throw new UndecodableEvent(bad.position, 'broken', 'no upcaster');
      }
    };
    await run({}, { log: broken });
    await kit.append(counted('a'));
    const position = await kit.append(['Removed', { id: 'a' }]);
    await kit.append(counted('b'));
    await eventually(async () =>
      expect((await statusOf())?.held).toEqual({ position, error: 'UndecodableEvent' }),
    );
    expect(await texts()).toEqual({ a: doc(1, [0]) });
  });

  test('rather than park more than 100 keys within a minute', async () => {
    const everything = () => {
      throw new TypeError('a bad release');
    };
    const first = await run({ onEvolve: everything });
    await kit.append(...Array.from({ length: 101 }, (_, index) => counted(`k${index}`)));
    await eventually(async () => expect((await statusOf())?.held?.error).toBe('TooManyParked'));
    expect((await statusOf())?.parkedKeys).toBeLessThanOrEqual(100);
    await first.stop();
    await run({});
    await eventually(async () => expect((await statusOf())?.held).toBeNull());
  });

  test('by the poison of its own generation alone, and a generation that begins meets it anew', async () => {
    const bad = new Set<string>();
    const keys = Array.from({ length: 101 }, (_, index) => `k${index}`);
    const consumers = await run({ onEvolve: failingFor(bad) });
    await kit.append(...keys.map((key) => counted(key)));
    await kit.caughtUp('counts_v1');
    for (const key of keys) bad.add(key);
    const rebuild = async () => {
      const id = await consumers.request({ consumer: 'counts_v1', action: 'rebuild' });
      return async () => (await consumers.requests()).find((one) => one.id === id);
    };
    const first = await rebuild();
    await eventually(async () => expect((await first())?.report?.held?.error).toBe('TooManyParked'));

    await kit.append(counted('k0'));
    await kit.caughtUp('counts_v1');
    expect(await statusOf()).toMatchObject({ parkedKeys: 1, held: null });

    bad.clear();
    bad.add('k0');
    await kit.store.drop('counts_v1_beside', 500);
    await eventually(async () => expect((await first())?.outcome).toBe('it was dropped meanwhile'));
    const second = await rebuild();
    await eventually(async () => expect((await second())?.outcome).toBe('switched'));
  });
});
