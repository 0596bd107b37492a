/** Group commit: what waits while a batch is under way goes out together in the next one. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { backoff } from '../../postgres/backoff.ts';
import { isTransient } from '../../postgres/errors.ts';
import { type EncodedEvent, type EncodedEvents, isSameAppend } from '../appends.ts';
import {
  type AppendResult,
  EventStoreUnavailable,
  type ExpectedRevision,
  RevisionConflict,
  type StoredEvent,
} from '../port.ts';
import { formatPosition } from '../position.ts';
import { PATIENCE_MS, unavailable } from '../retry.ts';
import { appendBatch, type Outcome } from './batch.ts';
import { WriterConnection } from './writer.ts';

const MAX_BATCH_APPENDS = 256;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
const MAX_WAITING_APPENDS = 10_000;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

export interface AppenderOptions {
  readonly url: string;
  readonly application: string;
  readonly logger?: Logger | undefined;
  readonly log: string;
  /** Reads `size` events of a stream from `from` on, to tell a repetition from a conflict. */
  readonly readBack: (stream: string, from: number, size: number) => Promise<readonly StoredEvent[]>;
}

interface Waiting {
  readonly stream: string;
  readonly events: readonly EncodedEvent[];
  readonly bytes: number;
  readonly expected: number | null;
  readonly deadline: number;
  isRetry: boolean;
  readonly settle: PromiseWithResolvers<AppendResult>;
}

/** Appends through the process's one writing connection. */
export class Appender {
  readonly #options: AppenderOptions;
  readonly #writer: WriterConnection;
  #queue: Waiting[] = [];
  #queuedBytes = 0;
  #running: Promise<void> | undefined;
  #lastFailure: unknown;
  readonly #settling = new Set<Promise<void>>();

  constructor(options: AppenderOptions) {
    this.#options = options;
    this.#writer = new WriterConnection(options);
  }

  /**
   * Appends `events`; `expected`: -1 for no stream, null for any. Rejects with `RevisionConflict`, and with
   * `EventStoreUnavailable` where too much waits already or the server stays away.
   */
  append(stream: string, { events, bytes }: EncodedEvents, expected: number | null): Promise<AppendResult> {
    if (this.#queue.length >= MAX_WAITING_APPENDS || this.#queuedBytes >= MAX_WAITING_BYTES) {
      return Promise.reject(new EventStoreUnavailable('too many appends are waiting'));
    }
    const settle = Promise.withResolvers<AppendResult>();
    const deadline = performance.now() + PATIENCE_MS;
    this.#queue.push({ stream, events, bytes, expected, deadline, isRetry: false, settle });
    this.#queuedBytes += bytes;
    this.#running ??= this.#drain();
    return settle.promise;
  }

  /** Waits for the appends made so far and frees the connection. */
  async close(): Promise<void> {
    await this.#running;
    await Promise.all(this.#settling);
    await this.#writer.discard();
  }

  async #drain(): Promise<void> {
    // What else is appended in this turn of the loop shares the first batch.
    await new Promise(setImmediate);
    let failures = 0;
    while (this.#queue.length > 0) {
      const failed = await this.#commit(this.#takeBatch());
      if (failed.length > 0) {
        this.#putBack(failed);
        await sleep(backoff(failures++));
      } else {
        failures = 0;
      }
    }
    this.#running = undefined;
  }

  /** The oldest appends, one per stream, within the limits of a batch; at least one. */
  #takeBatch(): Waiting[] {
    const batch: Waiting[] = [];
    const rest: Waiting[] = [];
    const streams = new Set<string>();
    let bytes = 0;
    for (const append of this.#queue) {
      const fits =
        batch.length === 0 || (batch.length < MAX_BATCH_APPENDS && bytes + append.bytes <= MAX_BATCH_BYTES);
      if (fits && !streams.has(append.stream)) {
        batch.push(append);
        bytes += append.bytes;
      } else {
        rest.push(append);
      }
      // Later appends to a stream never overtake an earlier one.
      streams.add(append.stream);
    }
    this.#queue = rest;
    this.#queuedBytes -= bytes;
    return batch;
  }

  /** Puts appends back to the front, in their order, and gives up on those that have waited too long. */
  #putBack(batch: readonly Waiting[]): void {
    const now = performance.now();
    const all = batch.concat(this.#queue);
    this.#queue = all.filter((append) => append.deadline > now);
    this.#queuedBytes = this.#queue.reduce((bytes, append) => bytes + append.bytes, 0);
    for (const append of all) {
      if (append.deadline <= now) append.settle.reject(unavailable(this.#lastFailure));
    }
  }

  /** Gives those appends that must be tried again, with the same ids and expectations. */
  async #commit(batch: readonly Waiting[]): Promise<readonly Waiting[]> {
    try {
      const outcomes = await appendBatch(await this.#writer.connection(), batch);
      this.#settleAll(batch, outcomes);
      return [];
    } catch (error) {
      for (const append of batch) append.isRetry = true;
      if (isTransient(error) || error instanceof EventStoreUnavailable) {
        this.#options.logger?.warn({ err: error, appends: batch.length }, 'appending failed; it is retried');
        this.#lastFailure = error;
        await this.#writer.discard();
        return batch;
      }
      if (batch.length > 1) {
        this.#options.logger?.warn({ err: error, appends: batch.length }, 'a batch of appends was refused');
        return this.#commitEach(batch);
      }
      batch[0]?.settle.reject(error);
      return [];
    }
  }

  /** After a failure that no retry heals: one of the appends is what the server refuses. Alone it harms no other. */
  async #commitEach(batch: readonly Waiting[]): Promise<readonly Waiting[]> {
    for (const [index, append] of batch.entries()) {
      const failed = await this.#commit([append]);
      if (failed.length > 0) return batch.slice(index);
    }
    return [];
  }

  #settleAll(batch: readonly Waiting[], outcomes: readonly Outcome[]): void {
    for (const [index, append] of batch.entries()) {
      const outcome = outcomes[index];
      if (!outcome) continue;
      if (outcome.kind === 'appended') {
        const position = formatPosition(this.#options.log, outcome.position);
        append.settle.resolve({ revision: outcome.revision, position });
        continue;
      }
      const settling: Promise<void> = this.#settle(append, outcome)
        .catch((error) => append.settle.reject(error))
        .finally(() => this.#settling.delete(settling));
      this.#settling.add(settling);
    }
  }

  /** It is there already, or its stream has moved on: to tell which takes a look. */
  async #settle(append: Waiting, outcome: Exclude<Outcome, { kind: 'appended' }>): Promise<void> {
    if (outcome.kind === 'found') {
      const found = await this.#options.readBack(append.stream, outcome.revision, append.events.length);
      const last = found.at(-1);
      if (last && isSameAppend(found, append.events)) {
        append.settle.resolve({ revision: last.revision, position: last.position });
        return;
      }
    }
    const actual = outcome.actual < 0 ? 'none' : outcome.actual;
    append.settle.reject(new RevisionConflict(append.stream, toExpected(append.expected), actual));
  }
}

function toExpected(expected: number | null): ExpectedRevision {
  return expected === null ? 'any' : expected < 0 ? 'none' : expected;
}
