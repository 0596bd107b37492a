/** What has to be done every now and then. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@annals/platform/telemetry/logger';
import type pg from 'pg';

export interface PeriodicTask {
  readonly name: string;
  readonly everyMs: number;
  run(): Promise<void>;
}

/** Starts the tasks, each after its first interval, never twice at a time; gives what stops and awaits them. */
export function startPeriodic(tasks: readonly PeriodicTask[], logger: Logger): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const repeat = async ({ name, everyMs, run }: PeriodicTask): Promise<void> => {
    for (;;) {
      // Replicas that were started together are not to do it all at the same time.
      await sleep(everyMs * (0.9 + Math.random() * 0.2), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await run().catch((error: unknown) => logger.warn({ error, task: name }, 'a periodic task failed'));
    }
  };
  const running = Promise.all(tasks.map(repeat));
  return async () => {
    stopping.abort();
    await running;
  };
}

const TAKE = `
  insert into command_api.chores as c (name, done_at) values ($1, now())
  on conflict (name) do update set done_at = now() where c.done_at <= now() - make_interval(secs => $2)
  returning name`;

/**
 * A task that one replica does for all [I9]: whoever comes first, and nobody again before most of the interval is over.
 * One that fails is done after the next interval.
 */
export function once(pool: pg.Pool, { name, everyMs, run }: PeriodicTask): PeriodicTask {
  return {
    name,
    everyMs,
    async run() {
      const { rowCount } = await pool.query(TAKE, [name, (everyMs * 0.8) / 1_000]);
      if (rowCount === 1) await run();
    },
  };
}
