/**
 * Keeps the push log to what recovery is owed. Rows go in bounded steps; each step says in its own statement how far
 * it went, so that nobody is told that they missed nothing when they did.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { pushLogView, RECOVERABLE_MS, TRIMMED_THROUGH_TABLE } from '@annals/contracts/push/docs';
import { viewName } from '@annals/platform/consumer/projection';
import type { Logger } from '@annals/platform/telemetry/logger';
import type { Pool } from 'pg';

const EVERY_MS = 60_000;
const ROWS_PER_STEP = 5_000;
const VIEW = viewName(pushLogView);

/** Replicas that trim at once take different rows. */
const TRIM = `
  with old as materialized (
    select key from views.${VIEW} where at < now() - $1 * interval '1 millisecond'
    order by at limit $2 for update skip locked
  ), gone as (
    delete from views.${VIEW} v using old where v.key = old.key returning v.position collate "C" as position
  ), through as (
    insert into views.${TRIMMED_THROUGH_TABLE} as t (view, position)
    select '${VIEW}', max(position) from gone having count(*) > 0
    on conflict (view) do update set position = greatest(t.position collate "C", excluded.position collate "C")
  )
  select count(*)::integer as count from gone`;

/** Removes at most `rows` rows that are older than recovery is owed; gives how many. */
export async function trimPushLog(pool: Pool, rows: number = ROWS_PER_STEP): Promise<number> {
  const result = await pool.query<{ count: number }>(TRIM, [RECOVERABLE_MS, rows]);
  return result.rows[0]?.count ?? 0;
}

/** Trims every minute, until nothing old is left. Failures are logged; the next minute tries again. */
export function startTrimming(pool: Pool, logger: Logger): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        while (!signal.aborted && (await trimPushLog(pool)) === ROWS_PER_STEP);
      } catch (error) {
        logger.warn({ err: error }, 'the push log could not be trimmed');
      }
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
    }
  };
  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
