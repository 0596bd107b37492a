/** Appends to EventStoreDB: many under way at once, each tried again with the ids and the revision it began with. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AppendExpectedRevision,
  type AppendResult as ClientResult,
  MaxAppendSizeExceededError,
  NO_STREAM,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import type { Logger } from 'pino';
import { backoff } from '../../postgres/backoff.ts';
import type { EncodedEvents } from '../appends.ts';
import { type AppendResult, EventStoreUnavailable, EventTooLarge, RevisionConflict } from '../port.ts';
import { PATIENCE_MS, unavailable } from '../retry.ts';
import { AnyRevision } from './any-revision.ts';
import type { Connection } from './connection.ts';
import { isTransient, NoAnswer } from './errors.ts';
import { toEventData } from './events.ts';
import { Permits } from './permits.ts';
import { isPlace, printPlace } from './places.ts';
import type { StreamReader } from './stream-reader.ts';

const MAX_UNDER_WAY = 256;
const MAX_WAITING_APPENDS = 10_000;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** The client has no timer of its own for an append's answer; the server gives up after this long as well. */
const ANSWER_MS = 5_000;

export interface AppenderOptions {
  readonly connection: Connection;
  readonly reader: StreamReader;
  readonly log: string;
  readonly logger?: Logger | undefined;
  /** Default 5,000 ms. */
  readonly answerMs?: number | undefined;
}

interface Attempt extends EncodedEvents {
  readonly stream: string;
  /** -1: no stream. */
  readonly expected: number;
}

export class Appender {
  readonly #options: AppenderOptions;
  /** After a failure one append goes ahead alone: a fresh channel must not be met by hundreds at once. */
  readonly #permits = new Permits(1, MAX_UNDER_WAY);
  readonly #running = new Set<Promise<AppendResult>>();
  readonly #anywhere = new AnyRevision();
  #bytes = 0;

  constructor(options: AppenderOptions) {
    this.#options = options;
  }

  /**
   * Appends `events`; `expected`: -1 for no stream, null for any. Rejects with `RevisionConflict`, and with
   * `EventStoreUnavailable` where too much waits already or the server stays away.
   */
  append(stream: string, events: EncodedEvents, expected: number | null): Promise<AppendResult> {
    if (this.#running.size >= MAX_WAITING_APPENDS || this.#bytes >= MAX_WAITING_BYTES) {
      return Promise.reject(new EventStoreUnavailable('too many appends are waiting'));
    }
    this.#bytes += events.bytes;
    const append = (revision: number) => this.#insist({ stream, expected: revision, ...events });
    const work =
      expected === null
        ? this.#anywhere.append(stream, { append, lastRevision: () => this.#lastRevision(stream) })
        : append(expected);
    const running: Promise<AppendResult> = work.finally(() => {
      this.#bytes -= events.bytes;
      this.#running.delete(running);
    });
    this.#running.add(running);
    return running;
  }

  /** Waits for the appends made so far. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #lastRevision(stream: string): Promise<number> {
    const [last] = await this.#options.reader.read(stream, { direction: 'backwards', limit: 1 });
    return last?.revision ?? -1;
  }

  /** Repeats an attempt until its outcome is known, or the server has been away for too long. */
  async #insist(attempt: Attempt): Promise<AppendResult> {
    const deadline = performance.now() + PATIENCE_MS;
    for (let failures = 0; ; failures++) {
      try {
        return await this.#toResult(attempt, await this.#send(attempt, deadline));
      } catch (error) {
        if (!isTransient(error) || error instanceof EventStoreUnavailable) throw toPortError(attempt, error);
        if (performance.now() > deadline) throw unavailable(error);
        this.#options.logger?.warn({ err: error, stream: attempt.stream }, 'appending failed; it is retried');
        await sleep(backoff(failures));
      }
    }
  }

  async #send({ stream, events, expected }: Attempt, deadline: number): Promise<ClientResult> {
    const { connection, answerMs = ANSWER_MS } = this.#options;
    const data = events.map(toEventData);
    await this.#permits.take(deadline);
    const { client } = connection;
    const expectedRevision: AppendExpectedRevision = expected < 0 ? NO_STREAM : BigInt(expected);
    try {
      // Credentials for one call would make the client give up batch appends: they are the client's.
      const answer = client.appendToStream(stream, data, {
        expectedRevision,
        requiresLeader: true,
        deadline: answerMs,
      });
      const result = await within(answer, answerMs);
      this.#permits.widen();
      return result;
    } catch (error) {
      if (isTransient(error)) this.#permits.narrow();
      connection.failed(client, error);
      throw error;
    } finally {
      this.#permits.giveBack();
    }
  }

  async #toResult({ stream, events }: Attempt, result: ClientResult): Promise<AppendResult> {
    const { log, reader } = this.#options;
    const revision = Number(result.nextExpectedRevision);
    // For an append that it finds again the server may not tell where it lies.
    if (isPlace(result.position)) return { revision, position: printPlace(log, result.position) };
    const [last] = await reader.read(stream, { from: revision, limit: 1 });
    if (last?.id !== events.at(-1)?.id) throw new NoAnswer(`${stream}@${revision} can not be read back`);
    return { revision, position: last?.position ?? '' };
  }
}

async function within<Result>(answer: Promise<Result>, ms: number): Promise<Result> {
  answer.catch(() => {});
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new NoAnswer(`EventStoreDB did not answer an append within ${ms} ms`)),
      ms,
    );
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

function toPortError({ stream, expected, bytes }: Attempt, error: unknown): unknown {
  if (error instanceof MaxAppendSizeExceededError) {
    const message = `an append of ${bytes} bytes to ${stream}; the server allows ${error.maxAppendSize}`;
    return new EventTooLarge(message, { cause: error });
  }
  if (!(error instanceof WrongExpectedVersionError)) return error;
  const { actualVersion } = error;
  const actual = typeof actualVersion === 'bigint' && actualVersion >= 0n ? Number(actualVersion) : 'none';
  return new RevisionConflict(stream, expected < 0 ? 'none' : expected, actual);
}
