/** The event log in EventStoreDB. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { type EncodedEvents, encodeEvents, expectedLast } from '../appends.ts';
import { LivePages, type LogPage } from '../live.ts';
import {
  type AppendResult,
  type EventBatch,
  type EventStore,
  EventStoreUnavailable,
  type ExpectedRevision,
  type NewEvent,
  type Position,
  type ReadOptions,
  RevisionConflict,
  type StoredEvent,
  type SubscribeOptions,
  UnknownPosition,
} from '../port.ts';
import { patiently, type RetryOptions, retrying } from '../retry.ts';
import { follow } from '../subscription.ts';
import { Appender } from './appender.ts';
import { Connection } from './connection.ts';
import { whyUnusable } from './connection-string.ts';
import { isTransient, UnreadableRecord } from './errors.ts';
import { LOG_STREAM } from './events.ts';
import { feed } from './feed.ts';
import { LogReader } from './log-reader.ts';
import { parsePlace } from './places.ts';
import { StreamReader } from './stream-reader.ts';

export interface EventStoreDbOptions {
  /** `esdb://…` or `esdb+discover://…`; TLS, credentials and clusters as the client takes them. */
  readonly url: string;
  /** The connection's name, unless the URL has one. */
  readonly application: string;
  readonly logger?: Logger | undefined;
  /** For tests: how long an answer may take, and after how long a silent subscription is looked after. */
  readonly timing?: { readonly answerMs?: number; readonly watchMs?: number };
}

/**
 * Opens the log, and gives it an id where it has none. Needs EventStoreDB 22.6 or newer for itself. Throws TypeError
 * for a connection string that can't be used, and EventStoreUnavailable where the server stays away.
 */
export async function createEventStoreDbEventStore(options: EventStoreDbOptions): Promise<EventStore> {
  const reason = whyUnusable(options.url);
  if (reason !== null) throw new TypeError(`the connection string of EventStoreDB ${reason}`);
  const url = named(options.url, options.application);
  const { logger } = options;
  // A failure of either must not take the other's channel away.
  const commands = new Connection(url, logger);
  const subscriptions = new Connection(url, logger);
  try {
    return new EventStoreDbEventStore(options, commands, subscriptions, await idOf(commands, logger));
  } catch (error) {
    await Promise.all([commands.close(), subscriptions.close()]);
    throw error;
  }
}

function named(url: string, application: string): string {
  if (/[?&]connectionName=/i.test(url)) return url;
  return `${url}${url.includes('?') ? '&' : '?'}connectionName=${encodeURIComponent(application)}`;
}

/** The id is in the log's own first event of ours: whoever comes first writes it. */
async function idOf(connection: Connection, logger: Logger | undefined): Promise<string> {
  const reader = new StreamReader({ connection, log: '' });
  const [found] = await reader.read(LOG_STREAM, { limit: 1 });
  if (found) return toId(found);
  const data = {
    id: BigInt(`0x${randomBytes(8).toString('hex')}`)
      .toString(36)
      .padStart(8, '0')
      .slice(-8),
  };
  const event = { id: randomUUID(), type: 'LogStarted', data, metadata: {} };
  const appender = new Appender({ connection, reader, log: '', logger });
  try {
    await appender.append(LOG_STREAM, encodeEvents([event]), -1);
  } catch (error) {
    if (!(error instanceof RevisionConflict)) throw error;
  }
  const [written] = await reader.read(LOG_STREAM, { limit: 1 });
  if (!written) throw new UnreadableRecord(`${LOG_STREAM} has lost its event`);
  return toId(written);
}

function toId({ data }: StoredEvent): string {
  const id = (data as { id?: unknown }).id;
  if (typeof id === 'string' && /^[0-9a-z]{8}$/.test(id)) return id;
  throw new UnreadableRecord(`${LOG_STREAM} does not tell the log's id`);
}

class EventStoreDbEventStore implements EventStore {
  readonly #options: EventStoreDbOptions;
  readonly #connections: readonly Connection[];
  readonly #log: string;
  readonly #streams: StreamReader;
  readonly #appender: Appender;
  readonly #heads: LogReader;
  readonly #pages: LogReader;
  readonly #live: LivePages;
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;
  /** The newest position seen: what is not past it needs no look at the server. */
  #knownHead: Position = '';

  constructor(options: EventStoreDbOptions, commands: Connection, subscriptions: Connection, log: string) {
    const { logger, timing: { answerMs } = {} } = options;
    this.#options = options;
    this.#connections = [commands, subscriptions];
    this.#log = log;
    this.#streams = new StreamReader({ connection: commands, log, answerMs });
    this.#appender = new Appender({ connection: commands, reader: this.#streams, log, logger, answerMs });
    this.#heads = new LogReader({ connection: commands, log, answerMs });
    this.#pages = new LogReader({ connection: subscriptions, log, answerMs });
    this.#live = new LivePages({
      source: {
        page: (after, limit, signal) =>
          patiently(() => this.#pages.page(after, limit), { ...this.#retrying, signal }),
        feed: (from, signal) => this.#feed(subscriptions, from, signal),
      },
      onFailure: (err) => logger?.warn({ err }, 'reading the event log failed'),
    });
  }

  async append(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedRevision,
  ): Promise<AppendResult> {
    this.#checkOpen();
    const encoded: EncodedEvents = encodeEvents(events);
    const result = await this.#appender.append(stream, encoded, expectedLast(expected));
    this.#saw(result.position);
    return result;
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
    return this.#readHead();
  }

  async beforeNewest(count: number): Promise<Position> {
    this.#checkOpen();
    return retrying(() => this.#heads.beforeNewest(count), this.#retrying);
  }

  async start(): Promise<Position> {
    return this.#heads.start;
  }

  async check(position: Position): Promise<void> {
    this.#checkOpen();
    await this.#checked(position);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await this.#appender.close();
    await this.#streams.close();
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  async *#follow(
    from: Promise<Position>,
    options: SubscribeOptions,
    signal: AbortSignal,
  ): AsyncGenerator<EventBatch, void, undefined> {
    this.#live.enter();
    try {
      yield* follow(this.#live, from, options, signal);
    } finally {
      this.#live.leave();
    }
  }

  async *#feed(connection: Connection, from: Position, signal: AbortSignal): AsyncGenerator<LogPage> {
    const { logger, timing: { watchMs } = {} } = this.#options;
    const head = () => this.#readHead();
    for await (const page of feed({ connection, log: this.#log, head, logger, watchMs }, from, signal)) {
      const newest = page.entries.at(-1)?.event.position;
      if (newest !== undefined) this.#saw(newest);
      yield page;
    }
  }

  async #resolve(from: SubscribeOptions['from'], signal: AbortSignal): Promise<Position> {
    this.#checkOpen();
    const forEver = { patienceMs: Number.POSITIVE_INFINITY, signal };
    if (from === 'start') return this.start();
    if (from === 'end') return this.#readHead(forEver);
    await this.#checked(from, forEver);
    return from;
  }

  async #checked(position: Position, patience: Partial<RetryOptions> = {}): Promise<void> {
    parsePlace(this.#log, position);
    if (position > this.#knownHead && position > (await this.#readHead(patience))) {
      throw new UnknownPosition(`${position} is past the head of the log`);
    }
  }

  async #readHead(patience: Partial<RetryOptions> = {}): Promise<Position> {
    const head = await retrying(() => this.#heads.beforeNewest(0), { ...this.#retrying, ...patience });
    this.#saw(head);
    return head;
  }

  #saw(position: Position): void {
    if (position > this.#knownHead) this.#knownHead = position;
  }

  get #retrying(): RetryOptions {
    const { logger } = this.#options;
    return {
      isTransient: (error) => !this.#closing.signal.aborted && isTransient(error),
      onRetry: (err) => logger?.warn({ err }, 'reading the event log failed; it is tried again'),
    };
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new EventStoreUnavailable('the event store is closed');
  }
}
