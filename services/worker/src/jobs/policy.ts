/** How often a job is tried. */

/** Once, and three times again; then it is parked until an operator looks at it. */
export const MAX_ATTEMPTS = 4;
/** Between two attempts. */
export const RETRY_MS = 5 * 60_000;
/** Downtimes up to this long are made up for: what should have been done on schedule then, is done afterwards. */
export const BACKFILL_MS = 3 * 24 * 60 * 60_000;
/** A task that takes longer is given up on: it counts as failed. */
export const TASK_TIMEOUT_MS = 60_000;
/** Jobs that somebody has held for longer belong to a process that is gone. */
export const ABANDONED_MS = 90_000;
/** How often abandoned jobs are looked for. */
export const RESCUE_MS = 15_000;
