/** Reads parts of views as of one moment, to hold them against a fold of the log. */
import type { Pool, PoolClient } from 'pg';
import type { Position } from '../../event-store/port.ts';
import type { KeyRange, ViewSnapshot } from '../store.ts';
import type { ViewTable } from './view-table.ts';

const IN_RANGE = '($1::text is null or key > $1) and ($2::text is null or key <= $2)';

/** See `ViewStore.count`. */
export async function count(pool: Pool, { name }: ViewTable): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*)::integer as count from views.${name}`,
  );
  return rows[0]?.count ?? 0;
}

/** See `ViewStore.pageEnd`. */
export async function pageEnd(
  pool: Pool,
  { name }: ViewTable,
  after: string | null,
  { rows, bytes }: { readonly rows: number; readonly bytes: number },
): Promise<string | null> {
  const result = await pool.query<{ end: string | null; hasMore: boolean | null }>(
    `select max(key) filter (where fits) as "end", bool_or(not fits) as "hasMore" from (
       select key, n = 1 or (n <= $2 and size <= $3) as fits from (
         select key, row_number() over page as n, sum(octet_length(doc::text)) over page as size
         from (select key, doc from views.${name} where $1::text is null or key > $1 order by key limit $2 + 1) stored
         window page as (order by key rows unbounded preceding)
       ) sized
     ) page`,
    [after, rows, bytes],
  );
  const [page] = result.rows;
  return page?.hasMore ? page.end : null;
}

/** See `ViewStore.snapshot`. */
export async function snapshot(pool: Pool, table: ViewTable, range: KeyRange): Promise<ViewSnapshot> {
  const client = await pool.connect();
  try {
    await client.query('begin isolation level repeatable read read only');
    // Before the snapshot is taken: so the checkpoint and the table are of one generation.
    await client.query(`lock table views.${table.name} in access share mode`);
    return await read(client, table, range);
  } finally {
    await client.query('rollback').then(
      () => client.release(),
      (broken: Error) => client.release(broken),
    );
  }
}

async function read(client: PoolClient, table: ViewTable, { after, upTo }: KeyRange): Promise<ViewSnapshot> {
  const range = [after, upTo];
  const checkpoint = await client.query<{ position: Position; through: Position }>(
    'select position, greatest(position, through) as through from consumers.checkpoints where consumer = $1',
    [table.name],
  );
  const [at] = checkpoint.rows;
  if (!at) throw new Error(`${table.name} is not there`);
  const found = await client.query<{ key: string; doc: object }>(
    `select key, doc from views.${table.name} where ${IN_RANGE} order by key`,
    range,
  );
  const docs = new Map(found.rows.map(({ key, doc }) => [key, doc]));
  const parked = await client.query<{ key: string }>(
    `select key from consumers.parked_keys where ${IN_RANGE} and consumer = $3`,
    [...range, table.name],
  );
  const keys = parked.rows.map(({ key }) => key);
  return { ...at, docs, parked: new Set(keys), skewed: await skewedIn(client, table, docs) };
}

async function skewedIn(
  client: PoolClient,
  table: ViewTable,
  docs: ReadonlyMap<string, object>,
): Promise<readonly string[]> {
  if (table.skewed === null) return [];
  const rows = [...docs].map(([key, doc]) => table.row(key, doc));
  const found = await client.query<{ key: string }>(table.skewed, [`[${rows.join(',')}]`]);
  return found.rows.map(({ key }) => key);
}
