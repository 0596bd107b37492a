/** Where a test may make the process die. */

/**
 * `begun`: the idempotency row is written. `reserved`: the unique keys are reserved, and staged rows written, nothing
 * is appended yet. `appended`: the events are in the log, nobody knows yet.
 */
export type FaultPoint = 'begun' | 'reserved' | 'appended';

/** Called at each point with the command's route; what it throws or awaits happens there. */
export type Faults = (point: FaultPoint, command: string) => Promise<void> | void;
