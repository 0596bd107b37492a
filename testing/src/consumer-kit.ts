/** What tests of the consumer runtime share: a log in memory, a database, an aggregate to count, and processes. */
import { randomUUID } from 'node:crypto';
import { buildCatalogue, type Catalogue } from '@annals/contracts/catalogue';
import { defineAggregate, defineEvent } from '@annals/contracts/kit/event';
import { createPostgresViewStore } from '@annals/platform/consumer/postgres/store';
import { defineProjection, type Projection } from '@annals/platform/consumer/projection';
import { type Consumers, type ConsumersOptions, createConsumers } from '@annals/platform/consumer/runtime';
import type { ViewStore } from '@annals/platform/consumer/store';
import { createEventLog } from '@annals/platform/event-log/event-log';
import type { EventLog } from '@annals/platform/event-log/log';
import { createMemoryEventStore } from '@annals/platform/event-store/memory';
import type { EventStore, Position } from '@annals/platform/event-store/port';
import { createPool } from '@annals/platform/postgres/pool';
import { createMemoryKeyStore } from '@annals/platform/privacy/memory-keys';
import { createLogger } from '@annals/platform/telemetry/logger';
import type pg from 'pg';
import { Registry } from 'prom-client';
import { vi } from 'vitest';
import { z } from 'zod';
import { type TestDatabase, testDatabase } from './servers/postgres.ts';

/** Counters that count, move their count to another counter, and go. */
export const counter = defineAggregate('counter', {
  Counted: defineEvent({ version: 1, data: z.object({ id: z.string(), by: z.number() }) }),
  Moved: defineEvent({ version: 1, data: z.object({ from: z.string(), to: z.string() }) }),
  Removed: defineEvent({ version: 1, data: z.object({ id: z.string() }) }),
});
/** Events that no counter hears of. */
export const noise = defineAggregate('noise', { Heard: defineEvent({ version: 1, data: z.object({}) }) });

export interface Count {
  readonly count: number;
  /** Revisions of the events folded, in order. */
  readonly seen: readonly number[];
}

export interface CountingOptions {
  readonly name?: string;
  readonly version?: number;
  readonly store?: Projection['store'];
  readonly erasers?: readonly 'Removed'[];
  /** Called before each fold; may throw. */
  readonly onEvolve?: (key: string) => void;
  /** Called before each `keys`; may throw. */
  readonly onKeys?: (id: string) => void;
}

/** A projection of counters. */
export function counting(options: CountingOptions = {}): Projection {
  const { name = 'counts', version = 1, store = 'rows', erasers = [], onEvolve, onKeys } = options;
  return defineProjection<Count>()({
    name,
    version,
    store,
    aggregates: [counter, noise],
    erasers,
    keys: {
      Counted: ({ data }) => {
        onKeys?.(data.id);
        return data.id;
      },
      Moved: ({ data }) => [data.from, data.to],
      Removed: ({ data }) => data.id,
    },
    evolve: (current, event, key) => {
      onEvolve?.(key);
      if (event.type === 'Removed') return null;
      const { count = 0, seen = [] } = current ?? {};
      const by = event.type === 'Counted' ? event.data.by : key === event.data.from ? -1 : 1;
      return { count: count + by, seen: [...seen, event.revision] };
    },
    ...(store === 'rows'
      ? { rows: { columns: { count: { type: 'integer', of: ({ count }) => count } }, indexes: ['(count)'] } }
      : {}),
  });
}

/** One database, one log, and what runs on them. */
export interface ConsumerKit {
  readonly url: string;
  readonly pool: pg.Pool;
  readonly events: EventStore;
  readonly log: EventLog;
  readonly store: ViewStore;
  /** A log over the same events that knows another catalogue. */
  logOf(catalogue: Catalogue): EventLog;
  /** Appends one event per entry, all to `stream`; gives the last one's position. */
  append(...events: readonly NewCounterEvent[]): Promise<Position>;
  /** A process of its own: runs until `drop`. */
  run(
    owner: string,
    projections: readonly Projection[],
    options?: Partial<ConsumersOptions>,
  ): Promise<Consumers>;
  /** Documents of a view as stored, by key. */
  texts(view: string): Promise<ReadonlyMap<string, string>>;
  /** Resolves once every consumer named is at the head of the log. */
  caughtUp(...consumers: readonly string[]): Promise<void>;
  drop(): Promise<void>;
}

export type NewCounterEvent = readonly [type: string, data: Readonly<Record<string, unknown>>];

/** Opens a kit, by default on a database of its own; `drop` ends all that runs on it. */
export async function openConsumerKit(own?: TestDatabase): Promise<ConsumerKit> {
  const database = own ?? (await testDatabase());
  const pool = createPool({ url: database.url, application: 'consumer-kit', pipeline: true });
  const events = createMemoryEventStore();
  const logOf = (catalogue: Catalogue) =>
    createEventLog({ store: events, catalogue, keys: createMemoryKeyStore() });
  const log = logOf(buildCatalogue([counter, noise]));
  const store = createPostgresViewStore({ pool });
  const running: Consumers[] = [];

  return {
    url: database.url,
    pool,
    events,
    log,
    store,
    logOf,
    async append(...some) {
      let position = '';
      for (const [type, data] of some) {
        const stream = `counter-${'id' in data ? data.id : 'all'}`;
        ({ position } = await log.append(
          stream,
          [{ id: randomUUID(), type, data, metadata: metadata() }],
          'any',
        ));
      }
      return position;
    },
    async run(owner, projections, options = {}) {
      const consumers = createConsumers({
        log,
        store,
        consumers: projections,
        owner,
        logger: createLogger({ service: 'test', level: 'silent' }),
        metrics: new Registry(),
        tickMs: 20,
        ...options,
      } as ConsumersOptions);
      await consumers.start();
      running.push(consumers);
      return consumers;
    },
    async texts(view) {
      const { rows } = await pool.query<{ key: string; doc: string }>(
        `select key, doc::text as doc from views.${view} order by key`,
      );
      return new Map(rows.map(({ key, doc }) => [key, doc]));
    },
    async caughtUp(...consumers) {
      const head = await events.head();
      await eventually(async () => {
        const late = (await store.status()).filter(
          ({ consumer, through }) => consumers.includes(consumer) && through < head,
        );
        if (late.length > 0) throw new Error(`not at the head: ${JSON.stringify(late)}`);
      });
    },
    async drop() {
      await Promise.all(running.map((consumers) => consumers.stop()));
      await events.close();
      await pool.end();
      await database.drop();
    },
  };
}

function metadata() {
  const commandId = randomUUID();
  return {
    commandId,
    correlationId: commandId,
    causationId: commandId,
    actor: { kind: 'system' as const, id: null },
    occurredAt: new Date().toISOString(),
  };
}

/** Waits until `condition` no longer throws; gives what it gives. */
export function eventually<Result>(condition: () => Result | Promise<Result>): Promise<Result> {
  return vi.waitFor(condition, { timeout: 15_000, interval: 10 });
}
