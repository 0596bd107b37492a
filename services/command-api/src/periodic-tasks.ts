/** What command-api does every now and then. */
import { type FollowedAccess, sweepAccess } from './identity/access-view.ts';
import type { Identity } from './identity/identity.ts';
import { sweepCredentials } from './identity/sweep-credentials.ts';
import type { PeriodicTask } from './periodic.ts';
import type { Platform } from './platform.ts';
import type { Views } from './publishing/views.ts';
import type { WriteSide } from './write-side.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

export function periodicTasks(
  { pool, log }: Platform,
  { idempotency, idempotencyLeaseSeconds, services }: WriteSide,
  { sessions, store }: Identity,
  { table }: FollowedAccess,
  { counter, readings }: Views,
): PeriodicTask[] {
  return [
    {
      name: 'renew leases',
      everyMs: (idempotencyLeaseSeconds / 3) * SECOND,
      run: () => idempotency.renewLeases(),
    },
    { name: 'tell of ended sessions', everyMs: 5 * SECOND, run: () => sessions.announcePending() },
    { name: 'count views', everyMs: 3 * SECOND, run: () => counter.flush() },
    { name: 'sweep readings', everyMs: 10 * MINUTE, run: () => readings.sweep() },
    { name: 'sweep access', everyMs: MINUTE, run: () => sweepAccess(pool, table) },
    { name: 'sweep idempotency', everyMs: 10 * MINUTE, run: () => idempotency.sweep() },
    { name: 'sweep sessions', everyMs: 10 * MINUTE, run: () => store.sweep() },
    {
      name: 'sweep credentials',
      everyMs: 10 * MINUTE,
      run: () => sweepCredentials(services.credentials, log),
    },
  ];
}
