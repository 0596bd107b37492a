/** Who is out and who may do what: the view that this service projects, and the table that it follows in memory. */
import {
  type AccessEntry,
  AccessTable,
  accessEventTypes,
  accessKeys,
  accessView,
  evolveAccess,
} from '@annals/contracts/identity/access';
import { session } from '@annals/contracts/identity/session.events';
import { user } from '@annals/contracts/identity/user.events';
import type { FollowerFaults } from '@annals/platform/access/faults';
import { type FollowedView, followView } from '@annals/platform/access/follow-view';
import { defineProjection, viewName } from '@annals/platform/consumer/projection';
import type pg from 'pg';
import type { Platform } from '../platform.ts';

/** No access token lives longer, so nobody asks about sessions that ended before. */
const REMEMBERED_MS = 20 * 60_000;
/** Clocks differ, and sweeping takes its time. */
const ABOUT_MS = 5 * 60_000;

/** Every service that checks tokens loads this view. */
export const accessProjection = defineProjection<AccessEntry>()({
  ...accessView,
  store: 'rows',
  aggregates: [user, session],
  keys: accessKeys,
  evolve: evolveAccess,
  isExpired: (entry, now) =>
    entry.kind === 'session' && Date.parse(entry.revokedAt) < now.getTime() - REMEMBERED_MS + ABOUT_MS,
});

/** The view in memory. */
export type FollowedAccess = FollowedView<AccessTable>;

/** Begins to follow; loading is tried again until it succeeds. */
export function followAccess(
  platform: Pick<Platform, 'pool' | 'log' | 'logger'>,
  faults: FollowerFaults | undefined,
): FollowedAccess {
  const { pool, log, logger } = platform;
  const table = new AccessTable();
  return followView({ view: accessView, types: accessEventTypes, table, pool, log, logger, faults });
}

/** Forgets sessions that ended so long ago that no token of theirs is valid any more. */
export async function sweepAccess(pool: pg.Pool, table: AccessTable): Promise<void> {
  const time = new Date(Date.now() - REMEMBERED_MS);
  table.sweep(time);
  await pool.query(
    `delete from views.${viewName(accessView)} where key like 'session:%' and (doc::jsonb)->>'revokedAt' < $1`,
    [time.toISOString()],
  );
}
