/** The push log in PostgreSQL, as the projector keeps it. */
import { pushLogKey, pushLogView, TRIMMED_THROUGH_TABLE } from '@annals/contracts/push/docs';
import { viewName } from '@annals/platform/consumer/projection';
import type { Position } from '@annals/platform/event-store/port';
import type { Pool } from 'pg';
import type { PushLog, PushLogState } from './push-log.ts';

const VIEW = viewName(pushLogView);
/** The projector has not made its tables yet. */
const UNDEFINED_TABLE = '42P01';
const NOTHING_YET: PushLogState = { through: '', trimmedThrough: null };

/** One statement has one snapshot, so what it says of the log's state holds for its lines. */
const STATE = `state as materialized (
  select c.through, (select t.position from views.${TRIMMED_THROUGH_TABLE} t where t.view = '${VIEW}') as trimmed
  from consumers.checkpoints c where c.consumer = '${VIEW}')`;
const RANGE = 'key > $1 and key < $2';
const COUNT = `with ${STATE}
  select through, trimmed, (select count(*)::integer from (select from views.${VIEW} where ${RANGE} limit $3) l) as count from state`;
const READ = `with ${STATE}
  select s.through, s.trimmed, l.key, l.frame from state s left join lateral (
    select key, doc ->> 'frame' as frame from views.${VIEW} where ${RANGE} order by key limit $3
  ) l on true order by l.key`;

interface StateRow {
  readonly through: Position;
  readonly trimmed: Position | null;
}

/** Equal questions under way share one statement: after a restart everyone comes back with the same position. */
export function createPostgresPushLog(pool: Pool): PushLog {
  const query = <Row extends StateRow>(name: string, text: string) =>
    shareUnderWay(async (channel: string, after: Position, limit: number): Promise<Row[]> => {
      const values = [
        pushLogKey({ channel, position: after }),
        pushLogKey({ channel, position: '~' }),
        limit,
      ];
      try {
        return (await pool.query<Row>({ name, text, values })).rows;
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === UNDEFINED_TABLE) return [];
        throw error;
      }
    });
  const count = query<StateRow & { count: number }>('push_log_count', COUNT);
  const read = query<StateRow & { key: string | null; frame: string | null }>('push_log_read', READ);

  return {
    async count(channel, after, max) {
      const [row] = await count(channel, after, max + 1);
      return { ...stateOf(row), count: row?.count ?? 0 };
    },
    async read(channel, after, limit) {
      const rows = await read(channel, after, limit);
      const lines = rows.flatMap(({ key, frame }) =>
        key === null || frame === null ? [] : [{ position: key.slice(channel.length + 1), frame }],
      );
      return { ...stateOf(rows[0]), lines };
    },
  };
}

function stateOf(row: StateRow | undefined): PushLogState {
  return row ? { through: row.through, trimmedThrough: row.trimmed } : NOTHING_YET;
}

function shareUnderWay<Result>(
  load: (channel: string, after: Position, limit: number) => Promise<Result>,
): typeof load {
  const underWay = new Map<string, Promise<Result>>();
  return (channel, after, limit) => {
    const key = JSON.stringify([channel, after, limit]);
    let loading = underWay.get(key);
    if (!loading) {
      loading = load(channel, after, limit).finally(() => underWay.delete(key));
      underWay.set(key, loading);
    }
    return loading;
  };
}
