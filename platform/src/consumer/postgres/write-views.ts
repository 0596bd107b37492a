/** Writes a batch of documents: bulk statements in the caller's transaction, and the search for what is refused. */
import type { Pool, PoolClient } from 'pg';
import { errorCode } from '../errors.ts';
import { type Writes, WritesRefused } from '../store.ts';
import type { ViewTable } from './view-table.ts';

/** JSON of one statement; beyond this a batch takes several. In UTF-16 units. */
const MAX_STATEMENT = 16 * 1024 * 1024;

/** 22 data exception, 23 integrity violation, 54 a limit of the server exceeded: the same again has the same outcome. */
const PERMANENT = /^(22|23|54)/;

/** A document ready to be written. */
interface Row {
  readonly key: string;
  readonly json: string;
}

/** Rows of a batch. Throws {@link WritesRefused} with the keys whose documents cannot be written as JSON. */
export function rowsOf(table: ViewTable, upserts: ReadonlyMap<string, object>): readonly Row[] {
  const rows: Row[] = [];
  const refused = new Map<string, string>();
  for (const [key, doc] of upserts) {
    try {
      rows.push({ key, json: table.row(key, doc) });
    } catch (error) {
      refused.set(key, errorCode(error));
    }
  }
  if (refused.size > 0) throw new WritesRefused(refused);
  return rows;
}

/** Sends one bulk upsert (several only beyond 16 MB) and one bulk delete. */
export function writeViews(
  client: PoolClient,
  table: ViewTable,
  rows: readonly Row[],
  deletes: Writes['deletes'],
): readonly Promise<unknown>[] {
  return [
    ...Array.from(statements(rows), (json) => upsert(client, table, json)),
    ...(deletes.length > 0
      ? [client.query({ name: `remove_${table.name}`, text: table.remove, values: [deletes] })]
      : []),
  ];
}

function* statements(rows: readonly Row[]): Generator<string> {
  let size = 0;
  let some: string[] = [];
  for (const { json } of rows) {
    if (size > 0 && size + json.length > MAX_STATEMENT) {
      yield `[${some.join(',')}]`;
      size = 0;
      some = [];
    }
    some.push(json);
    size += json.length;
  }
  if (some.length > 0) yield `[${some.join(',')}]`;
}

async function upsert(client: PoolClient, table: ViewTable, json: string): Promise<void> {
  await client.query({ name: `upsert_${table.name}`, text: table.upsert, values: [json] });
}

/** True where the same write would be refused again. */
export function isRefusal(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && PERMANENT.test(error.code)
  );
}

/** Finds the keys that the server refuses, by halving, in a transaction that is rolled back. Key → SQLSTATE. */
export async function findRefused(
  pool: Pool,
  table: ViewTable,
  rows: readonly Row[],
): Promise<ReadonlyMap<string, string>> {
  const refused = new Map<string, string>();
  const client = await pool.connect();
  const search = async (some: readonly Row[]): Promise<void> => {
    await client.query('savepoint attempt');
    try {
      await upsert(client, table, `[${some.map(({ json }) => json).join(',')}]`);
      await client.query('release savepoint attempt');
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await client.query('rollback to savepoint attempt');
      const [first] = some;
      if (first && some.length === 1) refused.set(first.key, errorCode(error));
      else for (const half of halves(some)) await search(half);
    }
  };
  try {
    await client.query('begin');
    if (rows.length > 0) await search(rows);
    return refused;
  } finally {
    await client.query('rollback').then(
      () => client.release(),
      (broken: Error) => client.release(broken),
    );
  }
}

function halves(rows: readonly Row[]): readonly (readonly Row[])[] {
  const middle = rows.length >> 1;
  return [rows.slice(0, middle), rows.slice(middle)];
}
