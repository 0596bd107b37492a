/** The event log in PostgreSQL. */
import type { Logger } from 'pino';
import { isTransient } from '../../postgres/errors.ts';
import { createListener, type Listener } from '../../postgres/listener.ts';
import { migrate } from '../../postgres/migrate.ts';
import { createPool } from '../../postgres/pool.ts';
import { encodeEvents, expectedLast } from '../appends.ts';
import { LivePages } from '../live.ts';
import {
  type AppendResult,
  type EventBatch,
  type EventStore,
  EventStoreUnavailable,
  type ExpectedRevision,
  type NewEvent,
  type Position,
  type ReadOptions,
  type StoredEvent,
  type SubscribeOptions,
  UnknownPosition,
} from '../port.ts';
import { formatPosition, parsePosition } from '../position.ts';
import { PATIENCE_MS, retrying } from '../retry.ts';
import { follow } from '../subscription.ts';
import { AnnouncedLog } from './announced-log.ts';
import { Appender } from './appender.ts';
import { LogReader } from './log-reader.ts';
import { ReadPool } from './read-pool.ts';
import { StreamReader } from './reader.ts';
import { CHANNEL, migrations } from './schema.ts';

const READING_CONNECTIONS = 4;
const READ_TIMEOUTS = { statementTimeoutMs: 20_000, answerTimeoutMs: 25_000 };

export interface PostgresEventStoreOptions {
  /** `postgres://…`; directly to the server, not through a transaction pooler. */
  readonly url: string;
  /** Shown in `pg_stat_activity`. */
  readonly application: string;
  readonly logger?: Logger;
}

/**
 * Opens the log in the schema `event_store`, creating it where it is missing. Uses up to 4 connections for reading,
 * one for appending and one for listening, each opened when it is first needed. Throws where the server is away.
 */
export async function createPostgresEventStore(options: PostgresEventStoreOptions): Promise<EventStore> {
  const pool = createPool({ ...options, ...READ_TIMEOUTS, max: READING_CONNECTIONS, isTimed: false });
  try {
    await migrate(pool, 'event_store', migrations);
    const { rows } = await pool.query<{ id: string }>('select id from event_store.log');
    const [log] = rows;
    if (!log) throw new Error('event_store.log has lost its row');
    return new PostgresEventStore(options, new ReadPool(pool), log.id);
  } catch (error) {
    await pool.end();
    throw error;
  }
}

class PostgresEventStore implements EventStore {
  readonly #options: PostgresEventStoreOptions;
  readonly #pool: ReadPool;
  readonly #log: string;
  readonly #streams: StreamReader;
  readonly #reader: LogReader;
  readonly #appender: Appender;
  readonly #source: AnnouncedLog;
  readonly #live: LivePages;
  readonly #closing = new AbortController();
  #listener: Listener | undefined;
  #closed: Promise<void> | undefined;
  /** The newest head seen: what is not past it needs no look at the server. */
  #knownHead = 0;

  constructor(options: PostgresEventStoreOptions, pool: ReadPool, log: string) {
    const { url, application, logger } = options;
    this.#options = options;
    this.#pool = pool;
    this.#log = log;
    this.#streams = new StreamReader(pool, log);
    this.#reader = new LogReader(pool, log);
    const readBack = (stream: string, from: number, limit: number): Promise<StoredEvent[]> =>
      this.#streams.read(stream, { from, limit });
    this.#appender = new Appender({ url, application, logger, log, readBack });
    const onFailure = (error: unknown): void => logger?.warn({ err: error }, 'reading the event log failed');
    this.#source = new AnnouncedLog({ reader: this.#reader, onFailure });
    this.#live = new LivePages({ source: this.#source, onFailure });
  }

  async append(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedRevision,
  ): Promise<AppendResult> {
    this.#checkOpen();
    return this.#appender.append(stream, encodeEvents(events), expectedLast(expected));
  }

  async read(stream: string, options?: ReadOptions): Promise<StoredEvent[]> {
    this.#checkOpen();
    return this.#streams.read(stream, options);
  }

  subscribe(options: SubscribeOptions): AsyncIterable<EventBatch> {
    const signal = options.signal
      ? AbortSignal.any([options.signal, this.#closing.signal])
      : this.#closing.signal;
    const from = this.#resolve(options.from, signal);
    // Whoever iterates meets the error.
    from.catch(() => {});
    return this.#follow(from, options, signal);
  }

  async head(): Promise<Position> {
    this.#checkOpen();
    return formatPosition(this.#log, await this.#readHead(PATIENCE_MS));
  }

  async beforeNewest(count: number): Promise<Position> {
    this.#checkOpen();
    return formatPosition(this.#log, Math.max(0, (await this.#readHead(PATIENCE_MS)) - count));
  }

  async start(): Promise<Position> {
    return formatPosition(this.#log, 0);
  }

  async check(position: Position): Promise<void> {
    this.#checkOpen();
    await this.#checked(position, PATIENCE_MS);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await this.#appender.close();
    await this.#listener?.close();
    await this.#pool.close();
  }

  async *#follow(
    from: Promise<Position>,
    options: SubscribeOptions,
    signal: AbortSignal,
  ): AsyncGenerator<EventBatch, void, undefined> {
    this.#live.enter();
    this.#listen();
    try {
      yield* follow(this.#live, from, options, signal);
    } finally {
      this.#live.leave();
    }
  }

  /** Begins to hear announcements; until they come, and where they are lost, polling finds what is new. */
  #listen(): void {
    if (this.#listener || this.#closing.signal.aborted) return;
    const { url, application, logger } = this.#options;
    const onReconnect = (): void => this.#source.notify();
    this.#listener = createListener({ url, application, onReconnect, ...(logger ? { logger } : {}) });
    this.#listener
      .listen(CHANNEL, (head) => this.#hear(Number(head)))
      .then(onReconnect)
      .catch((error) => {
        if (!this.#closing.signal.aborted) logger?.error({ err: error }, 'cannot listen to the event log');
      });
  }

  /** A head that is announced has been committed: positions up to it need no look at the server. */
  #hear(head: number): void {
    this.#knownHead = Math.max(this.#knownHead, head);
    this.#source.notify(formatPosition(this.#log, head));
  }

  async #resolve(from: SubscribeOptions['from'], signal: AbortSignal): Promise<Position> {
    this.#checkOpen();
    if (from === 'start') return this.start();
    const patience = Number.POSITIVE_INFINITY;
    if (from === 'end') return formatPosition(this.#log, await this.#readHead(patience, signal));
    await this.#checked(from, patience, signal);
    return from;
  }

  async #checked(position: Position, patienceMs: number, signal?: AbortSignal): Promise<void> {
    const number = parsePosition(this.#log, position);
    if (number > this.#knownHead && number > (await this.#readHead(patienceMs, signal))) {
      throw new UnknownPosition(`${position} is past the head of the log`);
    }
  }

  async #readHead(patienceMs: number, signal?: AbortSignal): Promise<number> {
    const head = await retrying(() => this.#reader.head(), {
      isTransient,
      patienceMs,
      ...(signal ? { signal } : {}),
    });
    this.#knownHead = Math.max(this.#knownHead, head);
    return head;
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new EventStoreUnavailable('the event store is closed');
  }
}
