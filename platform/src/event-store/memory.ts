/** The event log in memory, for unit tests: the promises of the port without a server. */
import { setImmediate as turn } from 'node:timers/promises';
import { type EncodedEvents, encodeEvents, expectedLast, isSameAppend } from './appends.ts';
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
} from './port.ts';
import { formatPosition, parsePosition } from './position.ts';
import { follow, isNews, type Page, type PageRequest } from './subscription.ts';

/** A log that several stores of one process can share. */
export interface MemoryLog {
  readonly id: string;
  readonly events: StoredEvent[];
  readonly streams: Map<string, StoredEvent[]>;
  readonly waiting: Set<() => void>;
}

/** An empty log. */
export function createMemoryLog(): MemoryLog {
  const id = Math.random().toString(36).slice(2).padEnd(8, '0').slice(0, 8);
  return { id, events: [], streams: new Map(), waiting: new Set() };
}

/** A store on `log`, by default on a log of its own. */
export function createMemoryEventStore(log: MemoryLog = createMemoryLog()): EventStore {
  return new MemoryEventStore(log);
}

class MemoryEventStore implements EventStore {
  readonly #log: MemoryLog;
  readonly #closing = new AbortController();

  constructor(log: MemoryLog) {
    this.#log = log;
  }

  async append(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedRevision,
  ): Promise<AppendResult> {
    this.#checkOpen();
    const encoded = encodeEvents(events);
    const wanted = expectedLast(expected);
    await turn();
    const existing = this.#log.streams.get(stream) ?? [];
    const last = existing.length - 1;
    if (wanted === null || wanted === last) return this.#write(stream, encoded);
    const found = existing.slice(wanted + 1, wanted + 1 + events.length);
    const newest = found.at(-1);
    if (newest && isSameAppend(found, encoded.events)) {
      return { revision: newest.revision, position: newest.position };
    }
    throw new RevisionConflict(stream, expected, last < 0 ? 'none' : last);
  }

  async read(stream: string, options: ReadOptions = {}): Promise<StoredEvent[]> {
    this.#checkOpen();
    await turn();
    const events = this.#log.streams.get(stream) ?? [];
    const limit = options.limit ?? events.length;
    if (options.direction !== 'backwards') {
      const from = Math.max(0, options.from ?? 0);
      return events.slice(from, from + limit);
    }
    const end = Math.max(0, Math.min(events.length, (options.from ?? events.length) + 1));
    return events.slice(Math.max(0, end - limit), end).reverse();
  }

  subscribe(options: SubscribeOptions): AsyncIterable<EventBatch> {
    const signal = options.signal
      ? AbortSignal.any([options.signal, this.#closing.signal])
      : this.#closing.signal;
    const from = this.#resolve(options.from);
    from.catch(() => {});
    return follow(
      {
        next: (request, ended) => this.#next(request, ended),
      },
      from,
      options,
      signal,
    );
  }

  async head(): Promise<Position> {
    this.#checkOpen();
    return formatPosition(this.#log.id, this.#log.events.length);
  }

  async beforeNewest(count: number): Promise<Position> {
    this.#checkOpen();
    return formatPosition(this.#log.id, Math.max(0, this.#log.events.length - count));
  }

  async start(): Promise<Position> {
    return formatPosition(this.#log.id, 0);
  }

  async check(position: Position): Promise<void> {
    const number = parsePosition(this.#log.id, position);
    if (number > this.#log.events.length) throw new UnknownPosition(`${position} is past the head`);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await turn();
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new EventStoreUnavailable('the event store is closed');
  }

  async #resolve(from: SubscribeOptions['from']): Promise<Position> {
    this.#checkOpen();
    if (from === 'start') return this.start();
    if (from === 'end') return this.head();
    await this.check(from);
    return from;
  }

  async #next(request: PageRequest, signal: AbortSignal): Promise<Page | null> {
    while (!signal.aborted) {
      const after = parsePosition(this.#log.id, request.after);
      const events = this.#log.events.slice(after, after + request.limit);
      const through = events.at(-1)?.position ?? request.after;
      const page = { events, through, isHead: after + events.length === this.#log.events.length };
      if (isNews(page, request)) return page;
      await this.#change(signal);
    }
    return null;
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#log.waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#log.waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  #write(stream: string, { events }: EncodedEvents): AppendResult {
    const { id, events: all, streams, waiting } = this.#log;
    const existing = streams.get(stream) ?? [];
    streams.set(stream, existing);
    for (const event of events) {
      const stored: StoredEvent = {
        id: event.id,
        type: event.type,
        data: JSON.parse(event.data),
        metadata: JSON.parse(event.metadata),
        stream,
        revision: existing.length,
        position: formatPosition(id, all.length + 1),
      };
      existing.push(stored);
      all.push(stored);
    }
    for (const wake of [...waiting]) wake();
    return { revision: existing.length - 1, position: formatPosition(id, all.length) };
  }
}
