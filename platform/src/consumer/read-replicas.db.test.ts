import { type ConsumerKit, counting, eventually, openConsumerKit } from '@annals/testing/consumer-kit';
import { type OwnPostgres, ownPostgres } from '@annals/testing/servers/postgres';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createListener } from '../postgres/listener.ts';
import { createPool } from '../postgres/pool.ts';
import { createSharedConnections, type Queryable } from '../postgres/shared-connections.ts';
import { createPostgresDocuments } from '../read-store/postgres-documents.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createFreshness, type Freshness, type ReadSource } from './freshness.ts';
import { createProgress } from './progress.ts';
import type { Consumers } from './runtime.ts';

const VIEW = 'counts_v1';
const APPLICATION = 'reader';

let primary: OwnPostgres;
let replica: OwnPostgres;
let kit: ConsumerKit;
let consumers: Consumers;
let freshness: Freshness;
let onReplica: pg.Pool;
const closers: (() => Promise<void>)[] = [];

function sourceOf({ url }: OwnPostgres): ReadSource {
  const pool = createPool({ url, application: APPLICATION, pipeline: true, max: 4 });
  const shared = createSharedConnections({ url, application: APPLICATION });
  closers.push(
    () => pool.end(),
    () => shared.end(),
  );
  return { pool, shared };
}

beforeAll(async () => {
  primary = await ownPostgres({ fsync: 'off' });
  replica = await primary.replicate();
  kit = await openConsumerKit({ url: primary.url, drop: async () => {} });
  const progress = createProgress({
    pool: kit.pool,
    logger: createLogger({ service: 'test', level: 'silent' }),
  });
  consumers = await kit.run('one', [counting()], { progress });
  const listener = createListener({ url: primary.url, application: APPLICATION });
  onReplica = createPool({ url: replica.url, application: 'operator', max: 1 });
  freshness = createFreshness({ ...sourceOf(primary), replicas: [sourceOf(replica)], listener });
  closers.push(
    () => progress.close(),
    () => listener.close(),
    () => onReplica.end(),
  );
  await kit.append(['Counted', { id: 'a', by: 1 }]);
  await kit.caughtUp(VIEW);
  await eventually(async () => expect(await freshness.areLive([VIEW])).toBe(true));
});
afterAll(async () => {
  await freshness?.close();
  await Promise.all(closers.map((close) => close()));
  await kit?.drop();
  await replica?.remove();
  await primary?.remove();
});

interface Seen {
  readonly count: number | undefined;
  readonly isReplica: boolean | undefined;
}

async function look(client: Queryable): Promise<Seen> {
  const [docs, where] = await Promise.all([
    createPostgresDocuments(client).findByIds<{ count: number }>(VIEW, ['a']),
    client.query<{ is: boolean }>({ text: 'select pg_is_in_recovery() as is' }),
  ]);
  return { count: docs.get('a')?.count, isReplica: where.rows[0]?.is };
}

const read = (minPosition?: string, waitMs = 5_000, isQuick = true) =>
  freshness.read([VIEW], { minPosition, waitMs, isQuick }, look);

test.each([true, false])('X6 reads go to the replica, and wait for it (quick: %s)', async (isQuick) => {
  const before = (await read(undefined, 0, isQuick)).data.count ?? 0;
  await onReplica.query('select pg_wal_replay_pause()');
  const position = await kit.append(['Counted', { id: 'a', by: 1 }]);
  await kit.caughtUp(VIEW);
  // Announced by the primary, and not there yet.
  const stale = await read(undefined, 0, isQuick);
  expect(stale.data).toEqual({ count: before, isReplica: true });
  expect(stale.position < position).toBe(true);
  await expect(read(position, 200, isQuick)).rejects.toMatchObject({ code: 'projection-behind' });
  const waiting = read(position, 10_000, isQuick);
  await onReplica.query('select pg_wal_replay_resume()');
  const fresh = await waiting;
  expect(fresh.data).toEqual({ count: before + 1, isReplica: true });
  expect(fresh.position >= position).toBe(true);
});

test('X6 a switch of generations reaches readers of the replica as one', async () => {
  const over = new AbortController();
  let [reads, last] = [0, (await read()).data.count ?? 0];
  const reading = (async () => {
    while (!over.signal.aborted) {
      const minPosition = await kit.append(['Counted', { id: 'a', by: 1 }]);
      expect((await read(minPosition)).data).toEqual({ count: ++last, isReplica: true });
      reads++;
    }
  })();
  const id = await consumers.request({ consumer: VIEW, action: 'rebuild' });
  await eventually(async () => {
    const asked = (await consumers.requests()).find((one) => one.id === id);
    expect(asked?.outcome).toBe('switched');
  });
  over.abort();
  await reading;
  expect(reads).toBeGreaterThan(3);
});

test('X6 while the replica is away the primary answers, and the replica again once it is back', async () => {
  const isReplica = async () => (await read()).data.isReplica;
  expect(await isReplica()).toBe(true);
  await replica.kill();
  for (let turn = 0; turn < 10; turn++) expect(await isReplica()).toBe(false);
  await replica.start();
  await eventually(async () => expect(await isReplica()).toBe(true));
});
