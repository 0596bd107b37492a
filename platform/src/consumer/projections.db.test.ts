import { buildCatalogue } from '@annals/contracts/catalogue';
import {
  type ConsumerKit,
  counter,
  counting,
  eventually,
  noise,
  openConsumerKit,
} from '@annals/testing/consumer-kit';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { EventLog } from '../event-log/log.ts';
import { fold, keysOf } from './fold.ts';
import { viewName } from './projection.ts';
import { type Claim, FingerprintChanged, type ViewStore, type Writes } from './store.ts';

let kit: ConsumerKit;
beforeEach(async () => {
  kit = await openConsumerKit();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await kit.drop();
});

/** Counts, moves and removals over 50 counters. */
function someEvents(from: number, to: number) {
  return Array.from({ length: to - from }, (_, index) => {
    const number = from + index;
    const id = `c${number % 50}`;
    if (number % 11 === 0) return ['Moved', { from: id, to: `c${(number * 7) % 50}` }] as const;
    if (number % 37 === 0) return ['Removed', { id }] as const;
    if (number % 5 === 0) return ['Heard', {}] as const;
    return ['Counted', { id, by: number }] as const;
  });
}

/** What the view must hold: everything folded at once in memory. */
async function expected(): Promise<ReadonlyMap<string, string>> {
  const projection = counting();
  for await (const { events, caughtUp } of kit.log.subscribe({
    from: 'start',
    types: projection.handles,
    batchSize: 10_000,
  })) {
    if (!caughtUp) throw new Error('more than one batch');
    const keys = keysOf(projection, events);
    const { upserts } = fold(projection, {
      events,
      keys,
      docs: new Map(),
      reached: new Map(),
      parked: new Set(),
      refused: new Map(),
    });
    return new Map(
      [...upserts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, doc]) => [key, JSON.stringify(doc)]),
    );
  }
  return new Map();
}

/** A log that delivers `batchSize` events at a time. */
function inBatchesOf(log: EventLog, batchSize: number): EventLog {
  return { ...log, subscribe: (subscription) => log.subscribe({ ...subscription, batchSize }) };
}

describe.each(['rows', 'documents'] as const)('a projection into %s', (store) => {
  test('is the fold of the log, and its rebuild is byte-identical whatever the batches were', async () => {
    const live = counting({ store });
    await kit.run('live', [live], { log: inBatchesOf(kit.log, 7) });
    for (let from = 0; from < 300; from += 60) await kit.append(...someEvents(from, from + 60));
    await kit.caughtUp(viewName(live));
    const rebuilt = counting({ store, version: 2 });
    await kit.run('rebuilt', [rebuilt], { log: inBatchesOf(kit.log, 1_000) });
    await kit.caughtUp(viewName(rebuilt));
    const texts = await kit.texts('counts_v1');
    expect(texts.size).toBeGreaterThan(40);
    expect(texts).toEqual(await expected());
    expect(await kit.texts('counts_v2')).toEqual(texts);
  });
});

describe('a batch', () => {
  test('is one load, one upsert, one delete and one checkpoint, however many events it has', async () => {
    await kit.append(...someEvents(0, 100));
    const consumers = await kit.run('one', [counting()]);
    await kit.caughtUp('counts_v1');
    await consumers.stop();
    await kit.append(...someEvents(100, 500), ['Removed', { id: 'c1' }]);
    const query = vi.spyOn(pg.Client.prototype, 'query');
    await kit.run('one', [counting()]);
    await kit.caughtUp('counts_v1');
    const texts = query.mock.calls.map(([first]) =>
      String(typeof first === 'string' ? first : (first as { text?: string }).text),
    );
    const about = (pattern: RegExp) => texts.filter((text) => pattern.test(text)).length;
    expect(about(/select key, doc from views/)).toBe(1);
    expect(about(/insert into views/)).toBe(1);
    expect(about(/delete from views/)).toBe(1);
    expect(about(/set position = /)).toBe(1);
  });

  test('that meets a broken connection at its commit is done again, once', async () => {
    await kit.run('one', [counting()]);
    // The first three commits that write the view lose their connection at the last moment.
    await kit.pool.query(`
      create sequence views.deaths;
      create function views.die() returns trigger language plpgsql as $$
        begin
          if nextval('views.deaths') <= 3 then perform pg_terminate_backend(pg_backend_pid()); end if;
          return null;
        end $$;
      create constraint trigger die after insert or update on views.counts_v1
        deferrable initially deferred for each row execute function views.die()`);
    await kit.append(...someEvents(0, 200));
    await kit.caughtUp('counts_v1');
    expect(await kit.texts('counts_v1')).toEqual(await expected());
    const { rows } = await kit.pool.query<{ last_value: string }>('select last_value from views.deaths');
    expect(Number(rows[0]?.last_value)).toBeGreaterThan(3);
  });

  test('whose lease is stolen after the load writes nothing, and nothing is counted twice', async () => {
    const gate = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const lost = vi.fn();
    const slow: ViewStore = {
      ...kit.store,
      load: async (...wanted) => {
        const docs = await kit.store.load(...wanted);
        reached.resolve();
        await gate.promise;
        return docs;
      },
      renew: async () => [],
      commit: (...what: [Claim, string, Writes | null]) =>
        kit.store.commit(...what).catch((error: unknown) => {
          lost(error);
          throw error;
        }),
    };
    await kit.append(...someEvents(0, 100));
    await kit.run('slow', [counting()], { store: slow, leaseMs: 50 });
    await reached.promise;
    const alone = async (owner: string, some: readonly string[]) =>
      some.map((consumer) => ({ consumer, owner }));
    await kit.run('thief', [counting()], { store: { ...kit.store, attend: alone } });
    await kit.caughtUp('counts_v1');
    const texts = await kit.texts('counts_v1');
    gate.resolve();
    await eventually(() => expect(lost).toHaveBeenCalled());
    expect(lost.mock.calls[0]?.[0]).toMatchObject({ name: 'LeaseLost' });
    expect(await kit.texts('counts_v1')).toEqual(texts);
    expect(texts).toEqual(await expected());
  });

  test('that fails for a passing reason is tried again', async () => {
    let failures = 3;
    const hold = vi.fn(kit.store.hold);
    const shaky: ViewStore = {
      ...kit.store,
      hold,
      load: async (...wanted) => {
        if (failures-- > 0) throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
        return kit.store.load(...wanted);
      },
    };
    await kit.append(...someEvents(0, 100));
    await kit.run('one', [counting()], { store: shaky });
    await kit.caughtUp('counts_v1');
    expect(failures).toBeLessThan(0);
    expect(hold).not.toHaveBeenCalled();
    expect(await kit.texts('counts_v1')).toEqual(await expected());
    expect((await kit.store.status())[0]).toMatchObject({ held: null, parkedKeys: 0 });
  });

  test('that leaves its checkpoint locked for a moment is tried again', async () => {
    let failures = 1;
    const claim = vi.fn(async (...wanted: Parameters<ViewStore['claim']>) =>
      claim.mock.calls.length === 2 ? null : kit.store.claim(...wanted),
    );
    const load = async (...wanted: Parameters<ViewStore['load']>) => {
      if (failures-- > 0) throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
      return kit.store.load(...wanted);
    };
    await kit.append(...someEvents(0, 100));
    await kit.run('one', [counting()], { store: { ...kit.store, claim, load } });
    await kit.caughtUp('counts_v1');
    expect(claim.mock.calls.length).toBeGreaterThan(2);
  });

  test('of events that do not concern a projection moves only `through`', async () => {
    await kit.run('one', [counting()]);
    await kit.append(['Counted', { id: 'a', by: 1 }]);
    await kit.caughtUp('counts_v1');
    const commit = vi.spyOn(pg.Client.prototype, 'query');
    const position = await kit.append(['Heard', {}]);
    await kit.caughtUp('counts_v1');
    const [status] = await kit.store.status();
    expect(status?.through).toBe(position);
    expect(status?.position).not.toBe(position);
    expect(commit.mock.calls.some(([first]) => (first as { name?: string }).name === 'move_checkpoint')).toBe(
      false,
    );
  });
});

describe('a version', () => {
  test('is refused at start where what it handles changed under it', async () => {
    await kit.run('one', [counting()]);
    const narrower = { ...counting(), handles: new Set(['Counted']) };
    await expect(kit.run('two', [narrower])).rejects.toThrow(FingerprintChanged);
  });

  test('is ready once it has caught up, not before', async () => {
    const gate = Promise.withResolvers<void>();
    // The second of several batches has to wait; what is read ahead comes after it.
    const load = vi.fn(async (...wanted: Parameters<ViewStore['load']>) => {
      if (load.mock.calls.length >= 2) await gate.promise;
      return kit.store.load(...wanted);
    });
    const status = vi.fn(kit.store.status);
    await kit.append(...someEvents(0, 50));
    const consumers = await kit.run('one', [counting()], {
      store: { ...kit.store, load, status },
      log: inBatchesOf(kit.log, 10),
    });
    await eventually(() => expect(load.mock.calls.length).toBeGreaterThanOrEqual(2));
    const looks = status.mock.calls.length;
    await eventually(() => expect(status.mock.calls.length).toBeGreaterThan(looks + 2));
    expect(consumers.isReady()).toBe(false);
    gate.resolve();
    await eventually(() => expect(consumers.isReady()).toBe(true));
    expect((await consumers.status())[0]?.isLive).toBe(true);
  });
});

describe('several processes', () => {
  const projections = ['a', 'b', 'c', 'd'].map((name) => counting({ name }));
  const ownersOf = async () => (await kit.store.status()).map(({ owner }) => owner).sort();

  test('share the consumers, and hand them over at their end', async () => {
    const one = await kit.run('one', projections, { leaseMs: 60_000 });
    await eventually(async () => expect(await ownersOf()).toEqual(['one', 'one', 'one', 'one']));
    const two = await kit.run('two', projections);
    await eventually(async () => expect(await ownersOf()).toEqual(['one', 'one', 'two', 'two']));
    await kit.append(...someEvents(0, 50));
    await one.stop();
    await eventually(async () => expect(await ownersOf()).toEqual(['two', 'two', 'two', 'two']));
    await kit.append(...someEvents(50, 100));
    await kit.caughtUp(...projections.map(viewName));
    for (const projection of projections)
      expect(await kit.texts(viewName(projection))).toEqual(await expected());
    await two.stop();
    expect(await ownersOf()).toEqual([null, null, null, null]);
  });

  test('leave a consumer that meets a newer event to those that know it', async () => {
    const projection = counting();
    // The old release handles `Removed` in name, but does not know the version written.
    const removed = { ...counter.events.Removed, version: 0 };
    const older = buildCatalogue([{ ...counter, events: { ...counter.events, Removed: removed } }, noise]);
    const first = await kit.run('old', [projection], { log: kit.logOf(older) });
    await kit.append(['Counted', { id: 'a', by: 1 }]);
    await kit.caughtUp('counts_v1');
    await kit.append(
      ['Counted', { id: 'a', by: 2 }],
      ['Removed', { id: 'b' }],
      ['Counted', { id: 'a', by: 3 }],
    );
    await eventually(async () => expect(await ownersOf()).toEqual([null]));
    expect([...(await kit.texts('counts_v1')).values()]).toEqual(['{"count":3,"seen":[0,1]}']);
    await kit.run('new', [projection]);
    await kit.caughtUp('counts_v1');
    expect(await ownersOf()).toEqual(['new']);
    expect([...(await kit.texts('counts_v1')).values()]).toEqual(['{"count":6,"seen":[0,1,2]}']);
    await first.stop();
  });

  test('notice at once that a lease was stolen, and have it again once it is free', async () => {
    await kit.run('one', [counting()]);
    await kit.append(['Counted', { id: 'a', by: 1 }]);
    await kit.caughtUp('counts_v1');
    await kit.pool.query(
      `update consumers.checkpoints
       set owner = 'thief', epoch = epoch + 1, lease_until = now() + interval '1 min'`,
    );
    await eventually(async () => expect(await ownersOf()).toEqual(['thief']));
    await kit.pool.query('update consumers.checkpoints set owner = null');
    await eventually(async () => expect(await ownersOf()).toEqual(['one']));
    await kit.append(['Counted', { id: 'a', by: 1 }]);
    await kit.caughtUp('counts_v1');
    expect([...(await kit.texts('counts_v1')).values()]).toEqual(['{"count":2,"seen":[0,1]}']);
  });

  test('of consumers that have caught up, all share one subscription', async () => {
    let open = 0;
    const counted: EventLog = {
      ...kit.log,
      async *subscribe(subscription) {
        open++;
        try {
          yield* kit.log.subscribe(subscription);
        } finally {
          open--;
        }
      },
    };
    await kit.append(...someEvents(0, 50));
    await kit.run('one', projections, { log: counted });
    await eventually(() => expect(open).toBe(1));
    await kit.append(...someEvents(50, 300));
    await kit.caughtUp(...projections.map(viewName));
    expect(open).toBe(1);
    for (const projection of projections)
      expect(await kit.texts(viewName(projection))).toEqual(await expected());
  });
});
