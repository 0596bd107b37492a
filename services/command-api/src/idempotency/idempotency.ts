/**
 * Idempotency-Key: the same key and request give the first answer again. A command's row is written before it is
 * decided and fixes its ids and its time, so that an attempt that died is repeated as what it was.
 */
import { Problem } from '@annals/contracts/problems';
import type { Caller, RouteResponse } from '@annals/platform/http/types';
import type { Logger } from '@annals/platform/telemetry/logger';
import { uuidv5, uuidv7 } from '@annals/platform/uuid';
import type { Ticket } from '../commands/execution.ts';
import type { IdempotencyTable, Ownership, StoredAnswer } from './table.ts';

/** A request that carries a key. */
export interface KeyedRequest {
  readonly key: string;
  readonly caller: Caller;
  readonly method: string;
  /** As the client wrote it, without the query. */
  readonly path: string;
  readonly body: unknown;
  readonly ifMatch: number | null;
}

/** The request is ours to run. Exactly one of the endings is to be called. */
export interface Running {
  readonly kind: 'running';
  readonly ticket: Ticket;
  /** Stores the answer of a command that appended nothing; resolves once it is stored. */
  answer(answer: StoredAnswer): Promise<void>;
  /** Stores the answer of a command whose events are in the log; waits only while very many are under way. */
  answerLater(answer: StoredAnswer): Promise<void>;
  /** The command had no effect and may be sent anew under its key. Never throws. */
  forget(): Promise<void>;
  /** Nobody knows whether the command had an effect: the next attempt finds out. Never throws. */
  surrender(): Promise<void>;
}

export interface Replay {
  readonly kind: 'replay';
  readonly response: RouteResponse;
}

export interface IdempotencyOptions {
  readonly table: IdempotencyTable;
  /** Keyed hash of texts: what it is made of cannot be guessed from it. */
  readonly hash: (...parts: string[]) => string;
  readonly logger: Logger;
}

export interface Idempotency {
  /** Throws `idempotency-key-reused` and `idempotency-in-flight`. */
  begin(request: KeyedRequest): Promise<Running | Replay>;
  /** Renews the leases of what is running; to be called every few seconds. */
  renewLeases(): Promise<void>;
  /** Removes rows past their time. */
  sweep(): Promise<void>;
  /** Waits for the answers under way. */
  drain(): Promise<void>;
}

/** Leases are renewed at a third of this. */
export const LEASE_SECONDS = 10;
const MAX_PENDING_ANSWERS = 5_000;
const SWEEP_BATCH = 5_000;
const NAMESPACE = '5ac1b7f0-6a5c-5d0e-8b57-0a6f5f6f1c11';

export function createIdempotency({ table, hash, logger }: IdempotencyOptions): Idempotency {
  const running = new Set<Ownership>();
  /** Answers that were given and are being stored, by command id. */
  const storing = new Map<string, Promise<void>>();

  function toRunning(ownership: Ownership, ticket: Ticket): Running {
    running.add(ownership);
    const end = (work: Promise<void>) => work.finally(() => running.delete(ownership));
    // The lease runs out by itself, and the error that led here is the one to tell.
    const endQuietly = (work: Promise<void>) =>
      end(work).catch((error: unknown) => logger.warn({ error }, 'a command’s row could not be given up'));
    return {
      kind: 'running',
      ticket,
      answer: (answer) => end(table.complete({ ...ownership, ...answer })),
      async answerLater(answer) {
        // Where it fails the lease runs out, and the next attempt finds the events.
        const work = end(table.completeAppended({ ...ownership, ...answer }))
          .catch((error: unknown) => logger.warn({ error }, 'the answer of a command could not be stored'))
          .finally(() => storing.delete(ownership.commandId));
        storing.set(ownership.commandId, work);
        if (table.pendingAnswers > MAX_PENDING_ANSWERS) await work;
      },
      // After an attempt that died the row stays, with its ids: that attempt may still come about.
      forget: () => endQuietly(ticket.isFirst ? table.remove(ownership) : table.surrender(ownership)),
      surrender: () => endQuietly(table.surrender(ownership)),
    };
  }

  async function begin(request: KeyedRequest): Promise<Running | Replay> {
    const { caller, method, path, key } = request;
    const requestHash = hash(method, path, JSON.stringify(request.body ?? null), String(request.ifMatch));
    const commandId = uuidv5(JSON.stringify([nameOf(caller, requestHash), method, path, key]), NAMESPACE);
    const isService = caller.kind === 'service';
    const ownership = { commandId, owner: uuidv7() };
    const beginning = await table.begin({
      ...ownership,
      requestHash,
      newId: isService ? uuidv5('new-id', commandId) : uuidv7(),
      now: new Date().toISOString(),
      neverExpires: isService,
    });
    if (beginning.isOurs) {
      const { newId, now, attempts } = beginning;
      return toRunning(ownership, { commandId, newId, now, isFirst: attempts === 1 });
    }
    if (beginning.requestHash !== requestHash) {
      throw new Problem('idempotency-key-reused', 'The Idempotency-Key was used for another request.');
    }
    if (!beginning.answer) {
      const answered = storing.get(commandId);
      if (answered !== undefined) return answered.then(() => begin(request));
      throw new Problem('idempotency-in-flight', 'The first request with this key is still running.', {
        retryAfter: 1,
      });
    }
    const { status, headers, body } = beginning.answer;
    return {
      kind: 'replay',
      response: { status, headers: { ...headers, 'idempotency-replayed': 'true' }, body },
    };
  }

  return {
    begin,
    async renewLeases() {
      if (running.size > 0) await table.renew([...running]);
    },
    async sweep() {
      while ((await table.sweep(SWEEP_BATCH)) === SWEEP_BATCH);
    },
    drain: () => table.drain(),
  };
}

/** Keys belong to a caller; an anonymous one's to the request as well. */
function nameOf(caller: Caller, requestHash: string): string {
  switch (caller.kind) {
    case 'user':
      return `user:${caller.userId}`;
    case 'service':
      return `service:${caller.name}`;
    case 'anonymous':
      return `anonymous:${requestHash}`;
  }
}
