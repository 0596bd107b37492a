/** Runs jobs on graphile-worker: several at once, tried again by our policy, taken over from processes that are gone. */
import { discover, ofKind } from '@annals/contracts/kit/discover';
import type { Logger } from '@annals/platform/telemetry/logger';
import type { Tracing } from '@annals/platform/telemetry/tracing';
import { type JobHelpers, Logger as JobsLogger, parseCronItems, run, type TaskList } from 'graphile-worker';
import type { Pool } from 'pg';
import { Counter, type Registry } from 'prom-client';
import { patientPool } from './patient-pool.ts';
import { ABANDONED_MS, BACKFILL_MS, MAX_ATTEMPTS, RESCUE_MS, RETRY_MS, TASK_TIMEOUT_MS } from './policy.ts';
import type { Task, TaskServices } from './task.ts';

/** Jobs that one process runs at once. */
const CONCURRENCY = 4;
/** New jobs announce themselves; this finds those whose time has come. */
const POLL_MS = 2_000;

/** Every task of the `*.task.ts` files. */
export function discoverTasks(): Promise<readonly Task[]> {
  return discover(new URL('../', import.meta.url), '.task.ts', ofKind<'task', Task>('task'));
}

export interface JobsOptions {
  readonly pool: Pool;
  readonly tasks: readonly Task[];
  readonly services: TaskServices;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly metrics: Registry;
  readonly policy?: { readonly abandonedMs: number; readonly rescueMs: number };
}

/** Starts to run jobs, those of other processes that are gone included; gives what stops it after the jobs under way. */
export async function runJobs(options: JobsOptions): Promise<() => Promise<void>> {
  const { pool, logger, policy = { abandonedMs: ABANDONED_MS, rescueMs: RESCUE_MS } } = options;
  const rescue = () =>
    pool
      .query(RESCUE, [policy.abandonedMs])
      .catch((error: unknown) => logger.warn({ err: error }, 'abandoned jobs could not be looked for'));
  await rescue();
  const stopping = new AbortController();
  const runner = await run({
    pgPool: patientPool(pool, stopping.signal),
    taskList: taskList(options),
    concurrency: CONCURRENCY,
    pollInterval: POLL_MS,
    noHandleSignals: true,
    parsedCronItems: cronItems(options.tasks),
    logger: new JobsLogger(() => (level, message) => {
      if (level === 'error' || level === 'warning') logger.warn({ message }, 'jobs');
    }),
  });
  const timer = setInterval(rescue, policy.rescueMs);
  return async () => {
    clearInterval(timer);
    stopping.abort();
    await runner.stop();
  };
}

/** A job's owner is one process; with its oldest job it has abandoned all of them. */
const RESCUE = `
  select graphile_worker.force_unlock_workers(array_agg(distinct locked_by)) from graphile_worker.jobs
  where locked_at < now() - $1 * interval '1 ms' having count(*) > 0`;

/** graphile-worker adds a few seconds to a run_at that lies in the future, and offers no other way to say when. */
const POSTPONE = `update graphile_worker._private_jobs set run_at = now() + $2 * interval '1 ms' where id = $1`;

/** Tasks by the clock. Each of their times makes one job, whichever worker comes first; late ones for one are one. */
function cronItems(tasks: readonly Task[]) {
  return parseCronItems(
    tasks.flatMap(({ name, cron }) =>
      cron === undefined
        ? []
        : {
            task: name,
            identifier: name,
            match: cron,
            options: { backfillPeriod: BACKFILL_MS, maxAttempts: MAX_ATTEMPTS, jobKey: name },
          },
    ),
  );
}

function taskList(options: JobsOptions): TaskList {
  const labelNames = ['task', 'outcome'];
  const done = new Counter({
    name: 'annals_jobs_total',
    help: 'Attempts at jobs',
    labelNames,
    registers: [options.metrics],
  });
  return Object.fromEntries(
    options.tasks.map((task) => [
      task.name,
      async (payload: unknown, helpers: JobHelpers) => {
        try {
          await options.tracing.span(`job ${task.name}`, { kind: 'consumer' }, () =>
            attempt(task, payload, options.services),
          );
          done.inc({ task: task.name, outcome: 'done' });
        } catch (error) {
          done.inc({ task: task.name, outcome: 'failed' });
          options.logger.warn(
            { err: error, task: task.name, job: helpers.job.id, attempt: helpers.job.attempts },
            'a job failed',
          );
          const retryMs = task.retryMs?.(helpers.job.attempts) ?? RETRY_MS;
          await helpers.query(POSTPONE, [helpers.job.id, retryMs]);
          throw error;
        }
      },
    ]),
  );
}

async function attempt(task: Task, payload: unknown, services: TaskServices): Promise<void> {
  const timeUp = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeUp.reject(new Error('the job took too long')), TASK_TIMEOUT_MS);
  try {
    await Promise.race([task.run(task.payload.parse(payload), services), timeUp.promise]);
  } finally {
    clearTimeout(timer);
  }
}
