/**
 * Reservations: how a unique key is owned by at most one aggregate although every aggregate is a stream of its own.
 *
 * A key is reserved for one attempt of one act; the act is appended to the actor's stream at the revision read before
 * the reservation; then the key is confirmed as held. Whoever finds a reservation overdue looks into the actor's
 * stream: if it owns the key, the reservation is confirmed; if not, a fence is appended to that stream, so that the
 * act can't be appended any more, and the key is free. An attempt may therefore die at any point. Whoever finds a key
 * held looks there as well: one that was given up is free, whether its release has come or not.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReservationEvent } from '@annals/contracts/identity/reservation.events';
import type { UniqueKey } from '@annals/contracts/kit/unique-key';
import type { EventLog } from '@annals/platform/event-log/log';
import { uuidv7 } from '@annals/platform/uuid';
import type { Origin } from '../commands/events.ts';
import { type Claimant, initial, release } from './domain/reservation.ts';
import { append, fence, type Known, ownerOf, readReservation, unknown } from './reservation-log.ts';

export interface ReservationRequest extends Claimant {
  readonly origin: Origin;
  /** Whether it is worth waiting for another attempt that is about to take the key, or to fail. */
  readonly mayWait: boolean;
}

/** A key reserved for an attempt; `revision` is where its stream then was. */
export interface Reserved extends Claimant {
  readonly isReserved: true;
  readonly key: string;
  readonly revision: number;
  readonly origin: Origin;
}

/** `taken`: somebody owns the key. `busy`: somebody is about to. */
export type ReservationResult =
  | Reserved
  | { readonly isReserved: false; readonly key: string; readonly reason: 'taken' | 'busy' };

export interface ReservationOptions {
  readonly log: EventLog;
  /** Keyed hash of texts, safe in a stream's name. */
  readonly hash: (...parts: string[]) => string;
  /** How long an attempt may take before others look after it. Default 10 s. */
  readonly leaseMs?: number;
  /** How long to wait for another attempt at a key. Default 2 s. */
  readonly waitMs?: number;
}

/** What becomes of a key that somebody else had when it was read; `moved`: read it again. */
type Fate = 'taken' | 'free' | 'wait' | 'moved';

const MAX_CONFIRMING = 1_000;
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;

export class Reservations {
  readonly #log: EventLog;
  readonly #hash: ReservationOptions['hash'];
  readonly #leaseMs: number;
  readonly #waitMs: number;
  readonly #confirming = new Set<Promise<void>>();

  constructor({ log, hash, leaseMs = 10_000, waitMs = 2_000 }: ReservationOptions) {
    this.#log = log;
    this.#hash = hash;
    this.#leaseMs = leaseMs;
    this.#waitMs = waitMs;
  }

  newAttempt(): string {
    return uuidv7();
  }

  /** The reservation's stream, which stands for the key everywhere: a keyed hash, so that it tells nothing. */
  streamOf({ kind, parts }: UniqueKey): string {
    return `reservation-${this.#hash(kind, ...parts)}`;
  }

  /** Reserves a key for the attempt named. */
  async reserve(key: string, request: ReservationRequest): Promise<ReservationResult> {
    const wait = createPatience(request.mayWait ? this.#waitMs : 0);
    // Most keys are new, so the first guess costs no read.
    let known = unknown;
    for (;;) {
      const fate = await this.#fateOf(key, known, request);
      if (fate === 'taken') return { isReserved: false, key, reason: 'taken' };
      const reserved = fate === 'free' ? await this.#take(key, known, request) : null;
      if (reserved) return reserved;
      if (fate === 'wait' && !(await wait())) return { isReserved: false, key, reason: 'busy' };
      known = await readReservation(this.#log, key);
    }
  }

  async #fateOf(key: string, known: Known, { by, origin }: ReservationRequest): Promise<Fate> {
    const { state } = known;
    if (state.status === 'free') return 'free';
    // What this very actor holds and now wants again, it has given up, and others by what their own streams say;
    // the release is on its way.
    if (state.status === 'held')
      return state.by === by || !(await this.#isOwned(key, state)) ? 'free' : 'taken';
    const isOverdue = Date.parse(state.until) < Date.now();
    const owner = isOverdue
      ? await fence(this.#log, state.by, { key, attempt: state.attempt }, origin)
      : ownerOf(await this.#log.read(state.by), key);
    if (owner === null) return isOverdue ? 'free' : 'wait';
    const held: ReservationEvent = { type: 'KeyHeld', data: { by: state.by, attempt: owner } };
    const isConfirmed = await append(this.#log, key, known, held, origin);
    return isConfirmed && state.by !== by ? 'taken' : 'moved';
  }

  /** Whether the stream of its holder still owns a held key: one that was given up may be had at once. */
  async #isOwned(key: string, { by }: Claimant): Promise<boolean> {
    return ownerOf(await this.#log.read(by), key) !== null;
  }

  async #take(
    key: string,
    known: Known,
    { by, attempt, origin }: ReservationRequest,
  ): Promise<Reserved | null> {
    const until = new Date(Date.now() + this.#leaseMs).toISOString();
    const event: ReservationEvent = { type: 'KeyReserved', data: { by, attempt, until } };
    const taken = await append(this.#log, key, known, event, origin);
    return taken && { isReserved: true, key, by, attempt, origin, revision: taken.revision };
  }

  /**
   * Makes the keys of an attempt that was appended held, in the background; waits only while very many are under way.
   * What is lost of it is made up for by whoever finds the reservation overdue.
   */
  async confirm(reserved: readonly Reserved[]): Promise<void> {
    const work: Promise<void> = Promise.all(reserved.map((one) => this.#end(one, one.attempt)))
      .then(() => undefined)
      .catch(() => undefined)
      .finally(() => this.#confirming.delete(work));
    this.#confirming.add(work);
    if (this.#confirming.size > MAX_CONFIRMING) await work;
  }

  /** Gives the keys of an attempt back that will not append; `owned` is what its actor owned after reserving them. */
  async abandon(reserved: readonly Reserved[], owned: ReadonlyMap<string, string>): Promise<void> {
    await Promise.all(reserved.map((one) => this.#end(one, owned.get(one.key))));
  }

  /** Ends a reservation as held by the attempt given, or as free, unless somebody else did meanwhile. */
  async #end({ key, by, attempt, revision, origin }: Reserved, holder: string | undefined): Promise<void> {
    const event: ReservationEvent =
      holder === undefined
        ? { type: 'KeyReleased', data: { by, attempt } }
        : { type: 'KeyHeld', data: { by, attempt: holder } };
    await append(this.#log, key, { revision, state: initial }, event, origin);
  }

  /** Frees a key that `claimant` has given up, where it is still the one that has it. */
  async release(key: string, claimant: Claimant, origin: Origin): Promise<void> {
    for (;;) {
      const known = await readReservation(this.#log, key);
      const [event] = release(known.state, claimant);
      if (!event || (await append(this.#log, key, known, event, origin))) return;
    }
  }

  /** Who has the key, or is about to; null where it is free. */
  async claimantOf(key: string): Promise<Claimant | null> {
    const { state } = await readReservation(this.#log, key);
    return state.status === 'free' ? null : { by: state.by, attempt: state.attempt };
  }

  /** Waits for the confirmations under way. */
  async drain(): Promise<void> {
    await Promise.all(this.#confirming);
  }
}

/** Waits a little, longer every time; false once `limitMs` have passed since its creation. */
function createPatience(limitMs: number): () => Promise<boolean> {
  const endsAt = Date.now() + limitMs;
  let pause = FIRST_PAUSE_MS;
  return async () => {
    if (Date.now() >= endsAt) return false;
    await sleep(pause * (0.5 + Math.random()));
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    return true;
  };
}
