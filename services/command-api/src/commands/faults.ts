/** Where a test may make the process die. */
import type { FollowerFaultPoint } from '@annals/platform/access/faults';

/**
 * `begun`: the idempotency row is written. `reserved`: the unique keys are reserved, and staged rows written, nothing
 * is appended yet. `appended`: the events are in the log, nobody knows yet. Of sessions, `rotated`: the next refresh
 * token is written, nobody has it. `revoked`: a session has ended in the table, the log does not tell yet.
 */
export type FaultPoint = 'begun' | 'reserved' | 'appended' | 'rotated' | 'revoked';

/** Called at each point with the command's route, or the view that is followed; what it throws or awaits happens there. */
export type Faults = (point: FaultPoint | FollowerFaultPoint, subject: string) => Promise<void> | void;
