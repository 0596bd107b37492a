/** Jobs and mails as operators see them. */
import type { Pool } from 'pg';
import { Gauge, type Registry } from 'prom-client';

/** A job whose attempts are used up. */
export interface FailedJob {
  readonly id: string;
  readonly task: string;
  readonly key: string | null;
  readonly attempts: number;
  readonly error: string | null;
  readonly at: string;
}

export interface JobsStatus {
  /** Not tried yet. */
  readonly pending: number;
  /** Tried in vain, and to be tried again. */
  readonly retrying: number;
  readonly running: number;
  /** Attempts used up. */
  readonly failed: number;
  /** The newest of them. */
  readonly failures: readonly FailedJob[];
}

const COUNTS = `
  select count(*) filter (where attempts = 0 and locked_at is null)::integer as pending,
    count(*) filter (where attempts between 1 and max_attempts - 1 and locked_at is null)::integer as retrying,
    count(*) filter (where locked_at is not null)::integer as running,
    count(*) filter (where attempts >= max_attempts and locked_at is null)::integer as failed
  from graphile_worker.jobs`;

const FAILURES = `
  select id::text, task_identifier as task, key, attempts, last_error as error,
    to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
  from graphile_worker.jobs where attempts >= max_attempts and locked_at is null order by updated_at desc limit 20`;

/** Counts jobs by state. */
export async function jobsStatus(pool: Pool): Promise<JobsStatus> {
  const [counts, failures] = await Promise.all([
    pool.query<Omit<JobsStatus, 'failures'>>(COUNTS),
    pool.query<FailedJob>(FAILURES),
  ]);
  const [row = { pending: 0, retrying: 0, running: 0, failed: 0 }] = counts.rows;
  return { ...row, failures: failures.rows };
}

/** How many mails had each outcome. */
export async function mailsStatus(pool: Pool): Promise<Readonly<Record<string, number>>> {
  const { rows } = await pool.query<{ outcome: string; count: number }>(
    'select outcome, count(*)::integer as count from worker.mails group by outcome',
  );
  return Object.fromEntries(rows.map(({ outcome, count }) => [outcome, count]));
}

/** Gauges of the jobs by state, read when they are scraped. */
export function observeJobs(pool: Pool, metrics: Registry): void {
  new Gauge({
    name: 'annals_jobs',
    help: 'Jobs by state',
    labelNames: ['state'],
    registers: [metrics],
    async collect() {
      const { failures, ...counts } = await jobsStatus(pool);
      for (const [state, count] of Object.entries(counts)) this.set({ state }, count);
    },
  });
}
