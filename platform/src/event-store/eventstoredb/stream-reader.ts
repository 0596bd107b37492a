/** Reads of streams of EventStoreDB. */
import { BACKWARDS, END, FORWARDS, START, StreamNotFoundError } from '@eventstore/db-client';
import { EventStoreUnavailable, type ReadOptions, type StoredEvent } from '../port.ts';
import { PATIENCE_MS, retrying } from '../retry.ts';
import { collect } from './collect.ts';
import type { Connection } from './connection.ts';
import { isTransient } from './errors.ts';
import { recordOf, toStoredEvent } from './events.ts';
import { Permits } from './permits.ts';

const MAX_UNDER_WAY = 64;
const MAX_WAITING = 10_000;

export interface StreamReaderOptions {
  readonly connection: Connection;
  readonly log: string;
  /** Default 10,000 ms. */
  readonly answerMs?: number | undefined;
}

/** Reads streams, many at once. */
export class StreamReader {
  readonly #options: StreamReaderOptions;
  readonly #permits = new Permits(MAX_UNDER_WAY, MAX_UNDER_WAY);
  readonly #running = new Set<Promise<unknown>>();

  constructor(options: StreamReaderOptions) {
    this.#options = options;
  }

  /** The events of a stream, as the port's `read` promises. */
  async read(stream: string, options: ReadOptions = {}): Promise<StoredEvent[]> {
    if (this.#running.size >= MAX_WAITING) throw new EventStoreUnavailable('too many reads are waiting');
    if (options.limit !== undefined && options.limit <= 0) return [];
    const running = this.#inTurn(() => this.#read(stream, options));
    this.#running.add(running);
    return running.finally(() => this.#running.delete(running));
  }

  /** Waits for the reads under way. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  /** The wait for its turn uses patience up as well. */
  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const deadline = performance.now() + PATIENCE_MS;
    await this.#permits.take(deadline);
    try {
      return await retrying(work, { isTransient, patienceMs: deadline - performance.now() });
    } finally {
      this.#permits.giveBack();
    }
  }

  async #read(stream: string, { from, limit, direction }: ReadOptions): Promise<StoredEvent[]> {
    const { connection, log, answerMs } = this.#options;
    const isBackwards = direction === 'backwards';
    if (isBackwards && from !== undefined && from < 0) return [];
    const { client } = connection;
    const events: StoredEvent[] = [];
    try {
      const read = client.readStream(stream, {
        direction: isBackwards ? BACKWARDS : FORWARDS,
        fromRevision: from === undefined ? (isBackwards ? END : START) : BigInt(Math.max(0, from)),
        requiresLeader: true,
        ...(limit === undefined ? {} : { maxCount: limit }),
      });
      await collect(read, (event) => events.push(toStoredEvent(log, recordOf(event))) > 0, answerMs);
      return events;
    } catch (error) {
      if (error instanceof StreamNotFoundError) return [];
      connection.failed(client, error);
      throw error;
    }
  }
}
