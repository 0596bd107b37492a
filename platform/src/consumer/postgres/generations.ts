/**
 * Generations of views in PostgreSQL. Which one is live is a matter of names: the live table, checkpoint and parked
 * events are called as the view, those beside `<view>_beside`. A switch renames all of them in one transaction, so
 * statements go on as they are, prepared ones too: the server looks their tables up again, after it has their locks and
 * before it takes their snapshot.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg, { type Pool, type PoolClient } from 'pg';
import type { Position } from '../../event-store/port.ts';
import { unhurried } from '../../postgres/pool.ts';
import { transaction } from '../../postgres/transaction.ts';
import { besideOf } from '../projection.ts';
import type { Sightings } from '../sightings.ts';
import { GenerationBehind, type PendingGeneration, type RequestReport } from '../store.ts';
import type { ViewTable } from './view-table.ts';

/** See `ViewStore.begin`. `table`: of the generation beside. */
export async function begin(
  pool: Pool,
  table: ViewTable,
  view: string,
  start: Position,
  graceMs: number,
): Promise<void> {
  const { rows } = await pool.query<{ wasThere: boolean }>(
    `with former as (
       delete from consumers.checkpoints
       where consumer = $2 and generation < (select generation from consumers.checkpoints where consumer = $1)
       returning consumer
     ), parked as (
       delete from consumers.parked_keys k using former where k.consumer = former.consumer
     )
     select exists (select from former) as "wasThere"`,
    [view, table.name],
  );
  if (rows[0]?.wasThere) await sleep(graceMs);
  await transaction(pool, async (client) => {
    // Whoever comes second waits here for the first, and then has nothing to do.
    const begun = await client.query(
      `insert into consumers.checkpoints (consumer, fingerprint, generation, position, through)
       select $2, fingerprint, generation + 1, $3, $3 from consumers.checkpoints where consumer = $1
       on conflict do nothing`,
      [view, table.name, start],
    );
    if (begun.rowCount === 0) return;
    await client.query(`drop table if exists views.${table.name}`);
    for (const statement of table.ddl) await client.query(statement);
  });
}

interface Generation {
  readonly consumer: string;
  readonly position: Position;
  readonly through: Position;
}

/** Attempts at the locks of a swap. Readers wait meanwhile, so each is short. */
const ATTEMPTS = 40;
const LOCK_MS = 100;
/** Now and then one that is long enough for PostgreSQL to send autovacuum away; queries bear that, too. */
const LONG_EVERY = 10;
const LONG_LOCK_MS = 1_300;
const LOCK_NOT_AVAILABLE = '55P03';

/** See `ViewStore.swap`. */
export async function swap(pool: Pool, request: PendingGeneration, outcome: string): Promise<void> {
  const view = request.consumer;
  // Statistics and visibility, so that the first queries are planned as well as those before.
  await vacuum(pool, besideOf(view));
  for (let attempt = 1; ; attempt++) {
    const lockMs = attempt % LONG_EVERY === 0 ? LONG_LOCK_MS : LOCK_MS;
    try {
      await transaction(pool, (client) => swapNow(client, view, lockMs, { id: request.id, outcome }));
      return;
    } catch (error) {
      const isBusy = error instanceof pg.DatabaseError && error.code === LOCK_NOT_AVAILABLE;
      if (!isBusy || attempt === ATTEMPTS) throw error;
      await sleep(LOCK_MS * (1 + Math.random()));
    }
  }
}

/** As long as it takes. */
async function vacuum(pool: Pool, table: string): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('set statement_timeout = 0');
    await client.query(unhurried(`vacuum (analyze) views.${table}`));
    await client.query('reset statement_timeout');
    client.release();
  } catch (error) {
    client.release(true);
    throw error;
  }
}

async function swapNow(
  client: PoolClient,
  view: string,
  lockMs: number,
  { id, outcome }: { readonly id: string; readonly outcome: string },
): Promise<void> {
  const beside = besideOf(view);
  const away = `${view}_away`;
  // As every commit: first the checkpoint, then the view. So those under way end, and later ones find another epoch.
  const { rows } = await client.query<Generation>(
    `select consumer, position, greatest(position, through) as through from consumers.checkpoints
     where consumer = any ($1) order by consumer for update`,
    [[view, beside]],
  );
  const live = rows.find(({ consumer }) => consumer === view);
  const other = rows.find(({ consumer }) => consumer === beside);
  const done = await client.query(
    'update consumers.requests set outcome = $2, done_at = now() where id = $1 and outcome is null',
    [id, outcome],
  );
  if (done.rowCount === 0) return;
  if (!live || !other) throw new GenerationBehind(`${beside} is not there`);
  if (other.through < live.position)
    throw new GenerationBehind(`${beside} is at ${other.through}, ${view} at ${live.position}`);

  await client.query(`set local lock_timeout = ${lockMs}`);
  await client.query(`lock table views.${view}, views.${beside} in access exclusive mode`);
  for (const [from, to] of [
    [view, away],
    [beside, view],
    [away, beside],
  ] as const) {
    await client.query(`alter table views.${from} rename to ${to}`);
    for (const table of ['checkpoints', 'parked_keys'])
      await client.query(`update consumers.${table} set consumer = $2 where consumer = $1`, [from, to]);
  }
  // What lies between the two checkpoints was nothing to either, so the new one says no less than the old one did.
  await client.query(
    `update consumers.checkpoints
     set epoch = (select max(epoch) + 1 from consumers.checkpoints where consumer in ($1, $2)),
         owner = null, lease_until = null, since = now(),
         position = case consumer when $1 then greatest(position, $3) else position end,
         through = case consumer when $1 then greatest(through, $4) else through end
     where consumer in ($1, $2)`,
    [view, beside, live.position, live.through],
  );
}

/** See `ViewStore.drop`. */
export async function drop(pool: Pool, consumer: string, graceMs: number): Promise<void> {
  await transaction(pool, async (client) => {
    await client.query('delete from consumers.checkpoints where consumer = $1', [consumer]);
    await client.query('delete from consumers.parked_keys where consumer = $1', [consumer]);
  });
  await sleep(graceMs);
  if (!(await isThere(pool, consumer))) await transaction(pool, (client) => dropTable(client, consumer));
}

/** See `ViewStore.dropLeft`. */
export async function dropLeft(pool: Pool, seen: Sightings, ageMs: number): Promise<readonly string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select tablename as name from pg_tables
     where schemaname = 'views' and tablename ~ '_v[0-9]+(_beside)?$'
       and not exists (select from consumers.checkpoints where consumer = tablename) order by name`,
  );
  const left = seen(
    rows.map(({ name }) => name),
    ageMs,
  );
  for (const name of left) await transaction(pool, (client) => dropTable(client, name));
  return left;
}

/** Drops a view's table, unless it is another's that has begun under the same name meanwhile. */
async function dropTable(client: PoolClient, consumer: string): Promise<void> {
  await client.query('savepoint before');
  await client.query(`drop table if exists views.${consumer}`);
  // Whoever begins has a checkpoint before it touches the table: what does not show here yet, waits, and makes its own.
  if (await isThere(client, consumer)) await client.query('rollback to savepoint before');
}

async function isThere(client: Pool | PoolClient, consumer: string): Promise<boolean> {
  const found = await client.query('select from consumers.checkpoints where consumer = $1', [consumer]);
  return found.rowCount !== 0;
}

/** See `ViewStore.outdated`. Only what has a view: reactions are nobody's to drop. */
export async function outdated(pool: Pool, ageMs: number): Promise<readonly string[]> {
  const { rows } = await pool.query<{ consumer: string }>(
    `with views as materialized (
       select c.consumer, c.generation, c.is_live, c.since, regexp_replace(c.consumer, '_beside$', '') as view,
         regexp_replace(c.consumer, '_v[0-9]+(_beside)?$', '') as name,
         coalesce((select max(seen_until) from consumers.candidates a where a.consumer = c.consumer), c.updated_at) as seen
       from consumers.checkpoints c
       join pg_tables t on t.schemaname = 'views' and t.tablename = c.consumer
     )
     select consumer from views v
     where (consumer <> view and since < now() - $1 * interval '1 ms'
         and exists (select from views live where live.consumer = v.view and live.generation > v.generation))
       or (seen < clock_timestamp() - $1 * interval '1 ms'
         and exists (select from views o where o.name = v.name and o.view <> v.view and o.consumer = o.view
           and o.is_live and o.seen > clock_timestamp()))
     order by consumer`,
    [ageMs],
  );
  return rows.map(({ consumer }) => consumer);
}

/** See `ViewStore.report`. */
export async function report(pool: Pool, { id }: PendingGeneration, news: RequestReport): Promise<void> {
  await pool.query('update consumers.requests set report = $2 where id = $1 and outcome is null', [
    id,
    JSON.stringify(news),
  ]);
}

/** See `ViewStore.finish`. */
export async function finish(
  pool: Pool,
  { id }: PendingGeneration,
  outcome: string,
  last: RequestReport | null,
): Promise<void> {
  await pool.query(
    `update consumers.requests
     set outcome = coalesce(outcome, $2), done_at = coalesce(done_at, now()), report = coalesce($3, report) where id = $1`,
    [id, outcome, last && JSON.stringify(last)],
  );
}
