/** Who is out: command-api's access view, loaded once and then kept by following the log. */
import {
  type AccessEntry,
  AccessTable,
  accessEventTypes,
  accessView,
} from '@annals/contracts/identity/access';
import { type Follower, startFollower } from '@annals/platform/access/follower';
import { loadView } from '@annals/platform/access/load-view';
import { viewName } from '@annals/platform/consumer/projection';
import type { Platform } from './platform.ts';

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
      const { entries, through } = await loadView<AccessEntry>(pool, viewName(accessView));
      table.load(entries);
      return through;
    },
    apply: (event) => table.apply(event),
  });
  return { table, follower };
}
