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
import { type Follower, startFollower } from '@annals/platform/access/follower';
import { loadView } from '@annals/platform/access/load-view';
import { defineProjection, viewName } from '@annals/platform/consumer/projection';
import type pg from 'pg';
import type { Platform } from '../platform.ts';

/** Every service that checks tokens loads this view. */
export const accessProjection = defineProjection<AccessEntry>()({
  ...accessView,
  store: 'rows',
  aggregates: [user, session],
  keys: accessKeys,
  evolve: evolveAccess,
});

const VIEW = viewName(accessView);

/** No access token lives longer, so nobody asks about sessions that ended before. */
const REMEMBERED_MS = 20 * 60_000;

export interface FollowedAccess {
  readonly table: AccessTable;
  readonly follower: Follower;
}

/** Begins to follow; loading is tried again until it succeeds. */
export function followAccess({
  pool,
  log,
  logger,
}: Pick<Platform, 'pool' | 'log' | 'logger'>): FollowedAccess {
  const table = new AccessTable();
  const follower = startFollower({
    log,
    logger,
    types: accessEventTypes,
    async load() {
      const { entries, through } = await loadView<AccessEntry>(pool, VIEW);
      table.load(entries);
      return through;
    },
    apply: (event) => table.apply(event),
  });
  return { table, follower };
}

/** Forgets sessions that ended so long ago that no token of theirs is valid any more. */
export async function sweepAccess(pool: pg.Pool, table: AccessTable): Promise<void> {
  const time = new Date(Date.now() - REMEMBERED_MS);
  table.sweep(time);
  await pool.query(
    `delete from views.${VIEW} where key like 'session:%' and (doc::jsonb)->>'revokedAt' < $1`,
    [time.toISOString()],
  );
}
