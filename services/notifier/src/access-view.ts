/** Who is out: command-api's access view, loaded once and then kept by following the log. */
import {
  type AccessEntry,
  AccessTable,
  accessEventTypes,
  accessView,
} from '@annals/contracts/identity/access';
import { type Follower, startFollower } from '@annals/platform/access/follower';
import { viewName } from '@annals/platform/consumer/projection';
import type { EventLog } from '@annals/platform/event-log/log';
import type { Position } from '@annals/platform/event-store/port';
import type { SessionCheck } from '@annals/platform/http/authenticator';
import type { Logger } from '@annals/platform/telemetry/logger';
import type { Pool } from 'pg';
import { z } from 'zod';

/** More than this behind the log, and sessions are asked about one by one. */
const BEHIND_MS = 1_000;
const TIMEOUT_MS = 2_000;

const VIEW = viewName(accessView);
/** One statement, so that checkpoint and entries belong together; no row where the view is not there yet. */
const LOAD = `select c.through, a.key, a.doc from consumers.checkpoints c left join views.${VIEW} a on true where c.consumer = '${VIEW}'`;

interface Row {
  readonly through: Position;
  readonly key: string | null;
  readonly doc: AccessEntry | null;
}

export interface FollowedAccess {
  readonly table: AccessTable;
  readonly follower: Follower;
}

/** Begins to follow; loading is tried again until it succeeds. */
export function followAccess(options: { pool: Pool; log: EventLog; logger: Logger }): FollowedAccess {
  const table = new AccessTable();
  const load = async (): Promise<Position> => {
    const { rows } = await options.pool.query<Row>(LOAD);
    const [first] = rows;
    if (!first) throw new Error(`${VIEW} is not there yet`);
    table.load(rows.flatMap(({ key, doc }) => (key === null || doc === null ? [] : [[key, doc] as const])));
    return first.through;
  };
  const { log, logger } = options;
  const follower = startFollower({
    log,
    logger,
    types: accessEventTypes,
    load,
    apply: (event) => table.apply(event),
  });
  return { table, follower };
}

const answer = z.object({ isRevoked: z.boolean() });

/** Asks command-api about single sessions while the view is behind. */
export function createSessionCheck(
  follower: Follower,
  options: { commandApiUrl: string; serviceToken: string },
): SessionCheck {
  return {
    isBehind: () => follower.isBehind(BEHIND_MS),
    async ask(sessionId) {
      const response = await fetch(
        `${options.commandApiUrl}/internal/sessions/${encodeURIComponent(sessionId)}`,
        {
          headers: { authorization: `Bearer ${options.serviceToken}` },
          signal: AbortSignal.timeout(TIMEOUT_MS),
        },
      );
      const body: unknown = await response.json();
      if (!response.ok) throw new Error(`command-api answered ${response.status} about a session`);
      return answer.parse(body).isRevoked;
    },
  };
}
