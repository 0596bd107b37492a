/** What command-api does every now and then: what concerns a replica's own memory everywhere, the rest once for all. */
import type { Config } from './config.ts';
import { type FollowedAccess, sweepAccess } from './identity/access-view.ts';
import type { Identity } from './identity/identity.ts';
import { sweepCredentials } from './identity/sweep-credentials.ts';
import { once, type PeriodicTask } from './periodic.ts';
import type { Platform } from './platform.ts';
import type { Views } from './publishing/views.ts';
import type { WriteSide } from './write-side.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

interface Parts {
  readonly config: Config;
  readonly platform: Platform;
  readonly write: WriteSide;
  readonly identity: Identity;
  readonly access: FollowedAccess;
  readonly views: Views;
}

export function periodicTasks({ config, platform, write, identity, access, views }: Parts): PeriodicTask[] {
  const { loginLogDays, sweepSeconds } = config;
  const { pool, log } = platform;
  const { idempotency, idempotencyLeaseSeconds, services, guard } = write;
  const { sessions, store, loginLog, resets } = identity;
  const { table } = access;
  const { counter, readings } = views;
  const sweep = (what: string, run: () => Promise<void>): PeriodicTask =>
    once(pool, { name: `sweep ${what}`, everyMs: sweepSeconds * SECOND, run });
  return [
    {
      name: 'renew leases',
      everyMs: (idempotencyLeaseSeconds / 3) * SECOND,
      run: () => idempotency.renewLeases(),
    },
    { name: 'count views', everyMs: 3 * SECOND, run: () => counter.flush() },
    sweep('readings', () => readings.sweep()),
    { name: 'sweep access', everyMs: MINUTE, run: () => sweepAccess(pool, table) },
    { name: 'tell of ended sessions', everyMs: 5 * SECOND, run: () => sessions.announcePending() },
    once(pool, { name: 'do password resets', everyMs: 10 * SECOND, run: () => resets.doPending() }),
    sweep('idempotency', () => idempotency.sweep()),
    sweep('sessions', () => store.sweep()),
    sweep('credentials', () => sweepCredentials(services.credentials, log)),
    sweep('avatars', () => identity.sweepAvatars()),
    sweep('exports', () => services.exports.sweep()),
    sweep('login failures', () => guard.sweep()),
    sweep('login log', () => loginLog.sweep(loginLogDays)),
  ];
}
