/** A log and the views that the projector makes of it, in this process. */
import { setTimeout as sleep } from 'node:timers/promises';
import { catalogue } from '@annals/contracts/catalogue';
import { createPostgresViewStore } from '@annals/platform/consumer/postgres/store';
import { type Projection, viewName } from '@annals/platform/consumer/projection';
import { createConsumers } from '@annals/platform/consumer/runtime';
import type { ViewStore } from '@annals/platform/consumer/store';
import { createEventLog } from '@annals/platform/event-log/event-log';
import type { EventLog } from '@annals/platform/event-log/log';
import type { EventStore } from '@annals/platform/event-store/port';
import { createPostgresEventStore } from '@annals/platform/event-store/postgres/store';
import { migrate } from '@annals/platform/postgres/migrate';
import { createPool } from '@annals/platform/postgres/pool';
import { createMemoryKeyStore } from '@annals/platform/privacy/memory-keys';
import { createLogger } from '@annals/platform/telemetry/logger';
import { viewMigrations } from '@annals/projector/view-migrations';
import type pg from 'pg';
import { Registry } from 'prom-client';
import type { BenchContext } from '../kit/bench.ts';
import { withClient } from '../kit/postgres.ts';
import { bulkSettings, fillTable } from './bulk.ts';
import { fillLog, type LogShape } from './log-data.ts';

export interface ReadSide {
  readonly url: string;
  readonly pool: pg.Pool;
  readonly events: EventStore;
  readonly log: EventLog;
  /** Of the log that was filled. */
  readonly count: number;
}

const EVENTS = 'event_store.events';

/** A fresh database with a log of that shape; the context closes it. */
export async function openReadSide(context: BenchContext, shape: LogShape): Promise<ReadSide> {
  const server = await context.postgres(bulkSettings);
  const url = await server.database();
  // As the projector's.
  const pool = createPool({ url, application: 'bench-views', pipeline: true });
  context.onEnd(() => pool.end());
  const events = await createPostgresEventStore({ url, application: 'bench-log' });
  context.onEnd(() => events.close());
  await migrate(pool, 'views', viewMigrations);
  await withClient(url, (client) => fillTable(client, EVENTS, () => fillLog(client, shape)));
  await pool.query(`vacuum analyze ${EVENTS}`);
  const { rows } = await pool.query<{ head: string }>('select head from event_store.log');
  const count = Number(rows[0]?.head);
  const log = createEventLog({ store: events, catalogue, keys: createMemoryKeyStore() });
  return { url, pool, events, log, count };
}

export interface FoldOptions {
  /** Instead of the usual one. */
  readonly store?: ViewStore;
  /** Where to begin, instead of where the view is. */
  readonly from?: string;
  /** Default: the head. Where the event there is none of the views', they are a second late in saying that they are past it. */
  readonly until?: string;
}

/** Folds the log into views until all have reached a position; gives the milliseconds that it took. */
export async function fold(
  { pool, log }: Pick<ReadSide, 'pool' | 'log'>,
  projections: readonly Projection[],
  { store = createPostgresViewStore({ pool }), from, until }: FoldOptions = {},
): Promise<number> {
  const names = projections.map(viewName);
  if (from !== undefined) {
    await pool.query(
      'update consumers.checkpoints set position = $1, through = $1 where consumer = any ($2)',
      [from, names],
    );
  }
  const end = until ?? (await log.head());
  const consumers = createConsumers({
    log,
    store,
    consumers: projections,
    owner: 'bench',
    logger: createLogger({ service: 'bench', level: 'warn' }),
    metrics: new Registry(),
  });
  const start = performance.now();
  await consumers.start();
  for (;;) {
    const { rows } = await pool.query<{ late: number }>(
      `select count(*)::integer as late from consumers.checkpoints
       where consumer = any ($1) and greatest(position, through) < $2`,
      [names, end],
    );
    if (rows[0]?.late === 0) break;
    await sleep(20);
  }
  const took = performance.now() - start;
  await consumers.stop();
  return took;
}

/** Drops views as if they had never been. */
export async function forget(pool: pg.Pool, projections: readonly Projection[]): Promise<void> {
  for (const name of projections.map(viewName)) {
    await pool.query(`drop table if exists views.${name}`);
    await pool.query('delete from consumers.checkpoints where consumer = $1', [name]);
  }
}
