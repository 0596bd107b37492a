/** Adds jobs in the caller's transaction. */
import type { PoolClient } from 'pg';
import { MAX_ATTEMPTS } from './policy.ts';
import type { JobRequest } from './task.ts';

const ADD = `
  select count(*) from graphile_worker.add_jobs(array(
    select spec from json_populate_recordset(null::graphile_worker.job_spec, $1::json) spec
    where not exists (select from graphile_worker.jobs where jobs.key = spec.job_key)
  ))`;

/** Adds those whose key no job has, in one statement. */
export async function addJobs(client: Pick<PoolClient, 'query'>, jobs: readonly JobRequest[]): Promise<void> {
  if (jobs.length === 0) return;
  const byKey = new Map(jobs.map((job) => [job.key, job]));
  const specs = [...byKey.values()].map(({ task, key, payload, runAt, attempts = MAX_ATTEMPTS }) => ({
    identifier: task,
    job_key: key,
    payload,
    max_attempts: attempts,
    ...(runAt === undefined ? {} : { run_at: runAt }),
  }));
  await client.query(ADD, [JSON.stringify(specs)]);
}
