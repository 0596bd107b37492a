import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ConsumerKit,
  counter,
  counting,
  eventually,
  type NewCounterEvent,
  openConsumerKit,
} from '@annals/testing/consumer-kit';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createListener } from '../postgres/listener.ts';
import { createPool } from '../postgres/pool.ts';
import { createSharedConnections, type Queryable } from '../postgres/shared-connections.ts';
import { createPostgresDocuments } from '../read-store/postgres-documents.ts';
import { createLogger } from '../telemetry/logger.ts';
import { readInSnapshot } from './checkpointed-read.ts';
import { fingerprint } from './fingerprint.ts';
import { createFreshness } from './freshness.ts';
import { done, statusIn } from './generations.fixture.ts';
import { createKnownProgress } from './known-progress.ts';
import { createProgress } from './progress.ts';
import { defineProjection, viewName } from './projection.ts';

const silent = createLogger({ service: 'test', level: 'silent' });
const VIEW = 'counts_v1';
const BESIDE = 'counts_v1_beside';

let kit: ConsumerKit;
beforeEach(async () => {
  kit = await openConsumerKit();
});
afterEach(() => kit.drop());

/** Counters `c0` to `c19`, counted by turns. */
function counted(from: number, to: number): readonly NewCounterEvent[] {
  return Array.from({ length: to - from }, (_, at) => [
    'Counted',
    { id: `c${(from + at) % 20}`, by: from + at },
  ]);
}

function registrationOf() {
  const projection = counting();
  return { consumer: viewName(projection), fingerprint: fingerprint(projection), projection };
}

const statusOf = (consumer: string) => statusIn(kit, consumer);

const docOf = async (view: string, key: string) =>
  JSON.parse((await kit.texts(view)).get(key) ?? 'null') as { count: number } | null;

describe('a rebuild of the version that is live', () => {
  test('mends what was wrong, is verified, and goes on like any view', async () => {
    const consumers = await kit.run('one', [counting()]);
    await kit.append(...counted(0, 100));
    await kit.caughtUp(VIEW);
    const right = await kit.texts(VIEW);
    await kit.pool.query(`update views.${VIEW} set doc = '{"count":-1,"seen":[]}' where key = 'c3'`);
    const { outcome, report } = await done(consumers, 'rebuild');
    expect(outcome).toBe('switched');
    expect(report?.verification).toMatchObject({ rows: 20, expectedRows: 20, differences: 0 });
    expect(report?.verification?.hash).toBe(report?.verification?.expectedHash);
    expect(await kit.texts(VIEW)).toEqual(right);
    expect(await statusOf(VIEW)).toMatchObject({ generation: 2, isLive: true });
    expect(await statusOf(BESIDE)).toMatchObject({ generation: 1 });
    await kit.append(['Counted', { id: 'c3', by: 1_000 }]);
    await kit.caughtUp(VIEW, BESIDE);
    expect((await docOf(VIEW, 'c3'))?.count).toBe(1_000 + 3 + 23 + 43 + 63 + 83);
    expect((await docOf(BESIDE, 'c3'))?.count).toBe(999);
  });

  test('under load fails no query, shows nothing older than what was shown before, and claims no more than it shows', async () => {
    const pool = createPool({ url: kit.url, application: 'reader', pipeline: true, max: 4 });
    const shared = createSharedConnections({ url: kit.url, application: 'reader' });
    const listener = createListener({ url: kit.url, application: 'reader' });
    const progress = createProgress({ pool, logger: silent });
    const freshness = createFreshness({ pool, shared, listener });
    const consumers = await kit.run('one', [counting()], { progress });
    await kit.append(...counted(0, 400));
    await kit.caughtUp(VIEW);

    const over = new AbortController();
    let reads = 0;
    /** Adds one to a counter of its own and reads it back, as fresh as that. */
    const client = async (id: string, isQuick: boolean) => {
      for (let count = 1; !over.signal.aborted; count++) {
        const minPosition = await kit.append(['Counted', { id, by: 1 }]);
        const read = await freshness.read(
          [VIEW],
          { minPosition, waitMs: 5_000, isQuick },
          async (connection) =>
            (await createPostgresDocuments(connection).findByIds<{ count: number }>(VIEW, [id])).get(id)
              ?.count,
        );
        expect(read.position >= minPosition).toBe(true);
        expect(read.data).toBe(count);
        reads++;
      }
    };
    const clients = [client('quick', true), client('slow', false), client('also', true)];
    try {
      for (let round = 0; round < 3; round++) {
        const action = round === 1 ? 'rollback' : 'rebuild';
        await sleep(50);
        expect((await done(consumers, action)).outcome).toBe(
          action === 'rebuild' ? 'switched' : 'rolled back',
        );
      }
    } finally {
      over.abort();
      await Promise.all(clients);
      await freshness.close();
      await progress.close();
      await listener.close();
      await shared.end();
      await pool.end();
    }
    expect(reads).toBeGreaterThan(30);
    expect((await done(consumers, 'verify')).outcome).toBe('verified');
  });

  test('goes on with the next owner where the first one dies', async () => {
    const isSlow = { now: true };
    const faults = async (_point: string, consumer: string) => {
      if (consumer === BESIDE && isSlow.now) await sleep(60);
    };
    await kit.append(...counted(0, 50));
    const slowLog = {
      ...kit.log,
      subscribe: (s: Parameters<typeof kit.log.subscribe>[0]) => kit.log.subscribe({ ...s, batchSize: 2 }),
    };
    const first = await kit.run('one', [counting()], { faults, log: slowLog });
    await kit.caughtUp(VIEW);
    const id = await first.request({ consumer: VIEW, action: 'rebuild' });
    await eventually(async () =>
      expect(((await statusOf(BESIDE))?.position ?? '') > (await kit.log.start())).toBe(true),
    );
    await first.stop();
    expect((await kit.store.requests())[0]).toMatchObject({ id, outcome: null });
    isSlow.now = false;
    await kit.run('two', [counting()]);
    await eventually(async () => expect((await kit.store.requests())[0]?.outcome).toBe('switched'));
    expect(await statusOf(VIEW)).toMatchObject({ generation: 2 });
  });

  test('does not take the place of the live one with more documents parked than that has', async () => {
    let isBad = false;
    const projection = counting({
      onEvolve: (key) => {
        if (isBad && key === 'c5') throw new TypeError('bad');
      },
    });
    const consumers = await kit.run('one', [projection]);
    await kit.append(...counted(0, 40));
    await kit.caughtUp(VIEW);
    isBad = true;
    expect((await done(consumers, 'rebuild')).outcome).toBe('built, not switched: 1 document parked');
    expect(await kit.store.parkedKeys(VIEW)).toEqual([]);
    expect(await kit.store.parkedKeys(BESIDE)).toEqual(['c5']);
    isBad = false;
    await consumers.request({ consumer: BESIDE, action: 'retry', key: 'c5' });
    await eventually(async () => expect(await kit.store.parkedKeys(BESIDE)).toEqual([]));
    expect((await done(consumers, 'switch')).outcome).toBe('switched');
  });
});

describe('a switch in the middle of a read', () => {
  /** What is read of `a`, by a reader in a snapshot, while the newer generation catches up and takes over. */
  const readMeanwhile = async (read: (during: () => Promise<void>) => Promise<unknown>) => {
    const { store } = kit;
    await store.prepare([registrationOf()], await kit.log.start());
    const [first, second] = [
      await kit.append(['Counted', { id: 'a', by: 1 }]),
      await kit.append(['Heard', {}]),
    ];
    const write = async (consumer: string, to: string) => {
      const claim = await store.claim(consumer, 'one', 60_000);
      if (!claim) throw new Error(`${consumer} is taken`);
      const parked = [{ key: 'p', stream: 's', revision: 0, position: first, error: 'TypeError' }];
      const nothing = { deletes: [], positions: new Map<string, string>() };
      const upserts = new Map([['a', { count: 1, seen: [0] }]]);
      await store.goLive(await store.commit(claim, to, { upserts, parked, ...nothing }));
    };
    await write(VIEW, second);
    await store.begin(VIEW, await kit.log.start(), 0);
    let swapping: Promise<void> | undefined;
    const result = await read(async () => {
      await write(BESIDE, second);
      const request = { consumer: VIEW, action: 'switch' } as const;
      swapping = store.swap({ ...request, id: await store.request(request) }, 'switched');
      await Promise.race([swapping, sleep(300)]);
    });
    await swapping;
    expect(await statusOf(VIEW)).toMatchObject({ generation: 2 });
    return result;
  };

  test('that looks at what is parked, in one snapshot, does not mix the two', async () => {
    const pool = createPool({ url: kit.url, application: 'reader' });
    const read = await readMeanwhile(async (during) => {
      const resources = () => [];
      const minPosition = await kit.log.start();
      const read = { pool, known: createKnownProgress(), views: [VIEW] };
      const work = async (client: Queryable) => {
        await during();
        return (await createPostgresDocuments(client).findByIds(VIEW, ['a'])).get('a');
      };
      return readInSnapshot({ ...read, work }, resources, minPosition);
    });
    expect(read).toMatchObject({ outcome: { value: { count: 1 } }, position: await kit.log.head() });
    await pool.end();
  });
});

describe('generations', () => {
  test('are switched, rolled back and dropped as asked, and what cannot be done says why', async () => {
    const consumers = await kit.run('one', [counting()]);
    await kit.append(...counted(0, 40));
    await kit.caughtUp(VIEW);
    expect((await done(consumers, 'switch')).outcome).toMatch('no newer generation');
    expect((await done(consumers, 'rollback')).outcome).toMatch('no older generation');
    expect((await done(consumers, 'drop')).outcome).toMatch('no generation beside');
    expect((await done(consumers, 'build')).outcome).toBe('built');
    expect((await done(consumers, 'rollback')).outcome).toMatch('no older generation');
    expect((await done(consumers, 'switch')).outcome).toBe('switched');
    expect((await done(consumers, 'switch')).outcome).toMatch('no newer generation');
    expect((await done(consumers, 'rollback')).outcome).toBe('rolled back');
    expect((await done(consumers, 'rollback')).outcome).toMatch('no older generation');
    expect((await done(consumers, 'drop')).outcome).toBe('dropped');
    expect(await statusOf(BESIDE)).toBeUndefined();
    await kit.append(...counted(40, 60));
    await kit.caughtUp(VIEW);
    expect((await done(consumers, 'verify')).outcome).toBe('verified');
  });

  test('a version that nobody folds is dropped where another one is live, and no other', async () => {
    const old = await kit.run('old', [counting(), counting({ name: 'others' })]);
    await kit.append(...counted(0, 20));
    await kit.caughtUp(VIEW, 'others_v1');
    await old.stop();
    const consumers = await kit.run('new', [counting({ version: 2 })]);
    await kit.caughtUp('counts_v2');
    await eventually(async () => expect(await kit.store.outdated(0)).toEqual([VIEW]));
    expect(await kit.store.outdated(60_000)).toEqual([]);
    expect((await done(consumers, 'drop', 'others_v1')).outcome).toMatch('in use, or no other version');
    expect((await done(consumers, 'drop', VIEW)).outcome).toBe('dropped');
    await expect(kit.texts(VIEW)).rejects.toThrow('does not exist');
    expect((await kit.store.status()).map(({ consumer }) => consumer).sort()).toEqual([
      'counts_v2',
      'others_v1',
    ]);
  });
});

test('a version that comes back after another one took its place is live once it has caught up, not before', async () => {
  const isLive = async () => (await statusOf(VIEW))?.isLive;
  const old = await kit.run('old', [counting()]);
  await kit.append(...counted(0, 20));
  await kit.caughtUp(VIEW);
  await eventually(async () => expect(await isLive()).toBe(true));
  await old.stop();
  const registration = [registrationOf()];
  await kit.store.prepare(registration, await kit.log.start());
  expect(await isLive()).toBe(true);
  await kit.run('new', [counting({ version: 2 })]);
  await eventually(async () => expect((await statusOf('counts_v2'))?.isLive).toBe(true));
  await kit.store.prepare(registration, await kit.log.start());
  expect(await isLive()).toBe(true);
  await kit.pool.query(
    `update consumers.candidates set seen_until = now() - interval '11 minutes' where consumer = $1`,
    [VIEW],
  );
  await kit.store.prepare(registration, await kit.log.start());
  expect(await isLive()).toBe(false);
  await kit.run('old again', [counting()]);
  await eventually(async () => expect(await isLive()).toBe(true));
});

describe('verification', () => {
  test.each([
    ['a document that differs', `update views.${VIEW} set doc = '{"count":1,"seen":[]}' where key = 'c7'`],
    ['a document that is missing', `delete from views.${VIEW} where key = 'c7'`],
    ['a column that does not follow', `update views.${VIEW} set count = 5 where key = 'c7'`],
  ])('finds %s', async (_name, damage) => {
    const consumers = await kit.run('one', [counting()]);
    await kit.append(...counted(0, 60));
    await kit.caughtUp(VIEW);
    await kit.pool.query(damage);
    const { outcome, report } = await done(consumers, 'verify');
    expect(outcome).toBe('not as the log says: 1 document');
    expect(report?.verification).toMatchObject({ expectedRows: 20, differences: 1, differing: ['c7'] });
  });

  test('goes through a large view range by range', async () => {
    const large = defineProjection<{ readonly id: string; readonly text: string }>()({
      name: 'large',
      version: 1,
      store: 'documents',
      aggregates: [counter],
      keys: { Counted: ({ data }) => data.id },
      evolve: (_current, { data }) => ({ id: data.id, text: 'x'.repeat(900_000) }),
    });
    const consumers = await kit.run('one', [large]);
    await kit.append(...counted(0, 20));
    await kit.caughtUp('large_v1');
    const right = (await done(consumers, 'verify', 'large_v1')).report?.verification;
    expect(right).toMatchObject({ rows: 20, expectedRows: 20, differences: 0 });
    await kit.pool.query(`delete from views.large_v1 where key in ('c0', 'c9')`);
    await kit.pool.query(`insert into views.large_v1 (key, doc) values ('c5x', '{}')`);
    const wrong = (await done(consumers, 'verify', 'large_v1')).report?.verification;
    expect(wrong).toMatchObject({ rows: 19, expectedRows: 20, differing: ['c0', 'c5x', 'c9'] });
    expect(wrong?.expectedHash).toBe(right?.hash);
    expect(wrong?.hash).not.toBe(right?.hash);
  });

  test('the audit finds a document that should not be there, and says so until a whole round finds nothing', async () => {
    const metrics = new Registry();
    await kit.append(...counted(0, 60));
    await kit.run('one', [counting()], { metrics, auditEveryMs: 20 });
    await kit.caughtUp(VIEW);
    const found = async () =>
      (await metrics.getSingleMetric('annals_audit_differences')?.get())?.values.map(({ value }) => value);
    const rounds = async () =>
      (await metrics.getSingleMetric('annals_audit_rounds_total')?.get())?.values[0]?.value ?? 0;
    await eventually(async () => expect(await rounds()).toBeGreaterThan(1));
    expect(await found()).toEqual([0]);
    await kit.pool.query(`insert into views.${VIEW} (key, doc, count) values ('extra', '{"count":1}', 1)`);
    await eventually(async () => expect(await found()).toEqual([1]));
    await kit.pool.query(`delete from views.${VIEW} where key = 'extra'`);
    await eventually(async () => expect(await found()).toEqual([0]));
  });
});
