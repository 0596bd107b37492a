/** Reads of streams, many in one statement. */
import { isTransient } from '../../postgres/errors.ts';
import { EventStoreUnavailable, type ReadOptions, type StoredEvent } from '../port.ts';
import { retrying } from '../retry.ts';
import type { ReadPool } from './read-pool.ts';
import { COLUMNS, type EventRow, textQuery, toEvent } from './rows.ts';

const MAX_BATCH = 100;
const MAX_IN_FLIGHT = 2;
/** A statement that takes longer has others beside it; else what comes meanwhile waits and shares the next one. */
const LONG_MS = 5;
const MAX_WAITING = 10_000;
/** The largest revision there can be: where a backwards read begins by default. */
const LAST = 2 ** 31 - 1;

/** Each request is answered by one of two index scans; the server skips the other. */
const READ = `
  select ${COLUMNS}, request.item
  from json_to_recordset($1::json)
    as request (item int, stream text, start int, size int, is_backwards boolean)
  cross join lateral (
    (select * from event_store.events stored
     where not request.is_backwards and stored.stream = request.stream and stored.revision >= request.start
     order by stored.revision limit request.size)
    union all
    (select * from event_store.events stored
     where request.is_backwards and stored.stream = request.stream and stored.revision <= request.start
     order by stored.revision desc limit request.size)
  ) event
`;

interface Request {
  readonly stream: string;
  readonly start: number;
  /** Null: no limit. */
  readonly size: number | null;
  readonly isBackwards: boolean;
  readonly settle: PromiseWithResolvers<StoredEvent[]>;
}

/** Reads streams. The reads of one turn of the loop, and those that come while others are under way, go out together. */
export class StreamReader {
  readonly #pool: ReadPool;
  readonly #log: string;
  readonly #queue: Request[] = [];
  #inFlight = 0;
  #isScheduled = false;
  #patience: NodeJS.Timeout | undefined;

  constructor(pool: ReadPool, log: string) {
    this.#pool = pool;
    this.#log = log;
  }

  /** The events of a stream, as the port's `read` promises. */
  read(stream: string, options: ReadOptions = {}): Promise<StoredEvent[]> {
    if (this.#queue.length >= MAX_WAITING) {
      return Promise.reject(new EventStoreUnavailable('too many reads are waiting'));
    }
    const isBackwards = options.direction === 'backwards';
    const settle = Promise.withResolvers<StoredEvent[]>();
    const start = Math.min(options.from ?? (isBackwards ? LAST : 0), LAST);
    this.#queue.push({ stream, start, size: options.limit ?? null, isBackwards, settle });
    this.#schedule();
    return settle.promise;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#inFlight >= MAX_IN_FLIGHT || this.#queue.length === 0) return;
    if (this.#inFlight === 0) {
      this.#isScheduled = true;
      setImmediate(() => {
        this.#isScheduled = false;
        this.#send();
      });
    } else {
      this.#patience ??= setTimeout(() => this.#send(), LONG_MS);
    }
  }

  #send(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    if (this.#inFlight >= MAX_IN_FLIGHT || this.#queue.length === 0) return;
    this.#inFlight++;
    const batch = this.#queue.splice(0, MAX_BATCH);
    void this.#answer(batch).finally(() => {
      this.#inFlight--;
      this.#schedule();
    });
    this.#schedule();
  }

  async #answer(batch: readonly Request[]): Promise<void> {
    try {
      const answers = await retrying(() => this.#query(batch), { isTransient });
      for (const [index, request] of batch.entries()) request.settle.resolve(answers[index] ?? []);
    } catch (error) {
      // What the server refuses may be one request's fault: asked alone, it fails no other.
      const isShared = batch.length > 1 && !(error instanceof EventStoreUnavailable);
      if (isShared) for (const request of batch) await this.#answer([request]);
      else for (const request of batch) request.settle.reject(error);
    }
  }

  async #query(batch: readonly Request[]): Promise<StoredEvent[][]> {
    const requests = batch.map(({ stream, start, size, isBackwards }, item) => ({
      item,
      stream,
      start,
      size,
      is_backwards: isBackwards,
    }));
    const query = textQuery('event_store_read', READ, [JSON.stringify(requests)]);
    const rows = await this.#pool.query<EventRow>(query);
    const answers: StoredEvent[][] = batch.map(() => []);
    for (const row of rows) answers[Number(row[7])]?.push(toEvent(this.#log, row));
    for (const [index, answer] of answers.entries()) {
      const sign = batch[index]?.isBackwards ? -1 : 1;
      answer.sort((left, right) => sign * (left.revision - right.revision));
    }
    return answers;
  }
}
