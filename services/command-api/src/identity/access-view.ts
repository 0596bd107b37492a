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
import { defineProjection, viewName } from '@annals/platform/consumer/projection';
import type { EventLog } from '@annals/platform/event-log/log';
import type { Logger } from '@annals/platform/telemetry/logger';
import type pg from 'pg';

/** Every service that checks tokens loads this view. */
export const accessProjection = defineProjection<AccessEntry>()({
  ...accessView,
  store: 'rows',
  aggregates: [user, session],
  keys: accessKeys,
  evolve: evolveAccess,
});

const VIEW = viewName(accessView);
/** One statement, so that checkpoint and entries belong together; no row where the view is not there yet. */
const LOAD = `
  select c.through, a.key, a.doc
  from consumers.checkpoints c left join views.${VIEW} a on true where c.consumer = '${VIEW}'`;

/** No access token lives longer, so nobody asks about sessions that ended before. */
const REMEMBERED_MS = 20 * 60_000;

export interface FollowedAccess {
  readonly table: AccessTable;
  readonly follower: Follower;
}

/** Begins to follow; loading is tried again until it succeeds. */
export function followAccess(options: { pool: pg.Pool; log: EventLog; logger: Logger }): FollowedAccess {
  const { pool, log, logger } = options;
  const table = new AccessTable();
  const load = async (): Promise<string> => {
    const { rows } = await pool.query<{ through: string; key: string | null; doc: AccessEntry }>(LOAD);
    const [first] = rows;
    if (!first) throw new Error(`${VIEW} is not there yet`);
    table.load(rows.flatMap(({ key, doc }) => (key === null ? [] : [[key, doc] as const])));
    return first.through;
  };
  const apply = (event: Parameters<AccessTable['apply']>[0]) => table.apply(event);
  return { table, follower: startFollower({ log, logger, types: accessEventTypes, load, apply }) };
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
