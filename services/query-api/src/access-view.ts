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
import type { EventLog } from '@annals/platform/event-log/log';
import type { Logger } from '@annals/platform/telemetry/logger';
import type { Pool } from 'pg';

export interface FollowedAccess {
  readonly table: AccessTable;
  readonly follower: Follower;
}

/** Begins to follow; loading is tried again until it succeeds. */
export function followAccess({
  pool,
  log,
  logger,
}: {
  readonly pool: Pool;
  readonly log: EventLog;
  readonly logger: Logger;
}): FollowedAccess {
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
