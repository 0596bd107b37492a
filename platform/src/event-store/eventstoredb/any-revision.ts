/** Appends that expect any revision, made of appends that expect a certain one. */
import { setTimeout as sleep } from 'node:timers/promises';
import { backoff } from '../../postgres/backoff.ts';
import { type AppendResult, RevisionConflict } from '../port.ts';
import { PATIENCE_MS, unavailable } from '../retry.ts';
import { NoAnswer } from './errors.ts';

export interface AnyRevisionOptions {
  /** Appends where the stream's last revision is `expected` (-1: no stream); repeated until the outcome is known. */
  readonly append: (expected: number) => Promise<AppendResult>;
  /** The stream's last revision; -1 where there is no stream. */
  readonly lastRevision: () => Promise<number>;
}

/**
 * The server may append twice what expects any revision. So such an append expects the revision that the stream has,
 * and a newer one only once the server has said that others took this one: then no earlier attempt can come about any
 * more. Those of one stream go one after the other; whose turn comes too late fails with `EventStoreUnavailable`.
 */
export class AnyRevision {
  readonly #queues = new Map<string, Promise<number | undefined>>();

  append(stream: string, options: AnyRevisionOptions): Promise<AppendResult> {
    const before = this.#queues.get(stream) ?? Promise.resolve(undefined);
    const deadline = performance.now() + PATIENCE_MS;
    const mine = before.then(async (known) => {
      if (performance.now() > deadline) throw unavailable(new NoAnswer('those before it took too long'));
      return insist(known ?? (await options.lastRevision()), options);
    });
    const settled: Promise<number | undefined> = mine
      .then(
        ({ revision }) => revision,
        () => undefined,
      )
      .finally(() => {
        if (this.#queues.get(stream) === settled) this.#queues.delete(stream);
      });
    this.#queues.set(stream, settled);
    return mine;
  }
}

async function insist(revision: number, { append }: AnyRevisionOptions): Promise<AppendResult> {
  const deadline = performance.now() + PATIENCE_MS;
  let expected = revision;
  for (let conflicts = 0; ; conflicts++) {
    try {
      return await append(expected);
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
      if (performance.now() > deadline) throw unavailable(error);
      expected = error.actual === 'none' ? -1 : error.actual;
      // Other processes append to the stream as well: who has lost waits a little, and differently each time.
      if (conflicts > 0) await sleep(backoff(conflicts) / 10);
    }
  }
}
