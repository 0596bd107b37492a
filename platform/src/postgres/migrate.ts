import type pg from 'pg';
import { unhurried } from './pool.ts';
import { transaction } from './transaction.ts';

/** A step of a schema. Never changed once released; later steps follow it. */
export interface Migration {
  /** Unique within its component; runs once. */
  readonly id: string;
  /** One or more statements; they run in a transaction. */
  readonly sql: string;
}

/** Any number: it only has to be the same in every process. */
const LOCK = 4_711_001;

/**
 * Applies those of `migrations` that `component` has not seen yet, in order and in one transaction. Processes that
 * start at once wait for each other, so each step runs once. Remembered in `public.annals_migrations`.
 */
export async function migrate(
  pool: pg.Pool,
  component: string,
  migrations: readonly Migration[],
): Promise<void> {
  if ((await pending(pool, component, migrations)).length === 0) return;
  await transaction(pool, async (client) => {
    await client.query('set local statement_timeout = 0');
    await client.query(unhurried('select pg_advisory_xact_lock($1)', [LOCK]));
    await client.query(
      `create table if not exists public.annals_migrations (
         component text not null,
         id text not null,
         applied_at timestamptz not null default now(),
         primary key (component, id)
       )`,
    );
    for (const migration of await pending(client, component, migrations)) {
      await client.query(unhurried(migration.sql));
      await client.query('insert into public.annals_migrations (component, id) values ($1, $2)', [
        component,
        migration.id,
      ]);
    }
  });
}

async function pending(
  client: pg.Pool | pg.PoolClient,
  component: string,
  migrations: readonly Migration[],
): Promise<readonly Migration[]> {
  const table = await client.query<{ name: string | null }>(
    `select to_regclass('public.annals_migrations')::text as name`,
  );
  if (!table.rows[0]?.name) return migrations;
  const applied = await client.query<{ id: string }>(
    'select id from public.annals_migrations where component = $1',
    [component],
  );
  const ids = new Set(applied.rows.map((row) => row.id));
  return migrations.filter((migration) => !ids.has(migration.id));
}
