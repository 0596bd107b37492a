/** The tables of jobs: graphile-worker's own, and the outcomes of mails. */
import { type Migration, migrate } from '@annals/platform/postgres/migrate';
import { runMigrations } from 'graphile-worker';
import type { Pool } from 'pg';

const MIGRATIONS: readonly Migration[] = [
  {
    id: '0001-mails',
    sql: `
      create schema if not exists worker;
      create table worker.mails (
        id uuid primary key,
        cause uuid not null,
        recipient uuid not null,
        template text not null,
        outcome text not null,
        at timestamptz not null default now()
      );
      create index on worker.mails (outcome);`,
  },
];

/** The same in every process: graphile-worker's migrations do not wait for each other by themselves. */
const LOCK = 4_711_003;

/** Makes what is missing. Processes that start at once wait for each other. */
export async function prepareJobs(pool: Pool): Promise<void> {
  await migrate(pool, 'worker', MIGRATIONS);
  const client = await pool.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    await runMigrations({ pgPool: pool, parsedCronItems: [], taskList: {} });
    await client.query('select pg_advisory_unlock($1)', [LOCK]);
    client.release();
  } catch (error) {
    client.release(true);
    throw error;
  }
}
