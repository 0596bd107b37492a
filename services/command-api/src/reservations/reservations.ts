/**
 * Reservations: how a unique key is owned by at most one aggregate although every aggregate is a stream of its own.
 *
 * A key is reserved for one attempt of one act; the act is appended to the actor's stream at the revision read before
 * the reservation; then the key is confirmed as held. Whoever finds a reservation overdue looks into the actor's
 * stream: if it owns the key, the reservation is confirmed; if not, a fence is appended to that stream, so that the
 * act can't be appended any more, and the key is free. An attempt may therefore die at any point.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReservationEvent } from '@annals/contracts/identity/reservation.events';
import type { DomainEvent } from '@annals/contracts/kit/event';
import type { UniqueKey } from '@annals/contracts/kit/unique-key';
import type { EventLog } from '@annals/platform/event-log/log';
import { RevisionConflict } from '@annals/platform/event-store/port';
import { v5 as uuidv5, v7 as uuidv7 } from 'uuid';
import { metadataOf, type Origin } from '../commands/events.ts';
import { expectedRevision, foldClaims } from '../commands/streams.ts';
import { type Claimant, evolve, initial, type ReservationState, release } from './domain/reservation.ts';

export interface ReservationRequest extends Claimant {
  readonly origin: Origin;
  /** Whether it is worth waiting for another attempt that is about to take the key, or to fail. */
  readonly mayWait: boolean;
}

/** A key reserved for an attempt; `revision` is where its stream then was. */
export interface Reserved extends Claimant {
  readonly key: string;
  readonly revision: number;
  readonly origin: Origin;
  readonly isReserved: true;
}

/** `taken`: somebody owns the key. `busy`: somebody is about to. */
export type ReservationResult =
  | Reserved
  | { readonly isReserved: false; readonly key: string; readonly reason: 'taken' | 'busy' };

export interface Reservations {
  newAttempt(): string;
  /** The reservation's stream, which stands for the key everywhere: a keyed hash, so that it tells nothing. */
  streamOf(key: UniqueKey): string;
  /** Reserves a key for the attempt named. */
  reserve(key: string, request: ReservationRequest): Promise<ReservationResult>;
  /**
   * Makes the keys of an attempt that was appended held, in the background; waits only while very many are under way.
   * What is lost of it is made up for by whoever finds the reservation overdue.
   */
  confirm(reserved: readonly Reserved[]): Promise<void>;
  /** Gives the keys of an attempt back that will not append; `owned` is what its actor owned afterwards. */
  abandon(reserved: readonly Reserved[], owned: ReadonlyMap<string, string>): Promise<void>;
  /** Frees a key that `claimant` has given up, where it is still the one that has it. */
  release(key: string, claimant: Claimant, origin: Origin): Promise<void>;
  /** Who has the key, or is about to; null where it is free. */
  claimantOf(key: string): Promise<Claimant | null>;
  /** Appends a fence to `stream` unless it owns `key`; gives the attempt by which it does, or null. */
  fence(stream: string, key: string, attempt: string, origin: Origin): Promise<string | null>;
  /** Waits for the confirmations under way. */
  drain(): Promise<void>;
}

export interface ReservationOptions {
  readonly log: EventLog;
  /** Keyed hash of texts, safe in a stream's name. */
  readonly hash: (...parts: string[]) => string;
  /** How long an attempt may take before others look after it. Default 10 s. */
  readonly leaseMs?: number;
  /** How long to wait for another attempt at a key. Default 2 s. */
  readonly waitMs?: number;
  /** After the keys of an attempt are held. */
  readonly onConfirmed?: () => Promise<void> | void;
}

interface Known {
  readonly revision: number;
  readonly state: ReservationState;
}

const MAX_CONFIRMING = 1_000;
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;

export function createReservations(options: ReservationOptions): Reservations {
  const { log, hash, leaseMs = 10_000, waitMs = 2_000, onConfirmed } = options;
  const confirming = new Set<Promise<void>>();

  /** The newest event tells the whole state. */
  async function read(key: string): Promise<Known> {
    const [newest] = await log.read(key, { direction: 'backwards', limit: 1 });
    if (!newest) return { revision: -1, state: initial };
    return { revision: newest.revision, state: evolve(initial, newest as unknown as ReservationEvent) };
  }

  /** Appends to the reservation after what is known of it; null where it has moved on. */
  async function write(key: string, known: Known, event: ReservationEvent, origin: Origin): Promise<Known | null> {
    try {
      // By attempt, not by command: two attempts of one command must not be taken for one append.
      const id = uuidv5(`${key}:${known.revision + 1}:${event.type}`, event.data.attempt);
      const entry = { id, ...event, metadata: metadataOf(event.type, origin) };
      const { revision } = await log.append(key, [entry], expectedRevision(known));
      return { revision, state: evolve(known.state, event) };
    } catch (error) {
      if (error instanceof RevisionConflict) return null;
      throw error;
    }
  }

  async function fence(stream: string, key: string, attempt: string, origin: Origin): Promise<string | null> {
    for (;;) {
      const events = await log.read(stream);
      const owner = ownerOf(events, key);
      if (owner) return owner;
      const lapse: ReservationEvent = { type: 'ReservationLapsed', data: { key, attempt } };
      const known = { revision: events.length - 1, state: initial };
      if (await write(stream, known, lapse, origin)) return null;
    }
  }

  /**
   * What becomes of a reservation that another attempt made: `taken` where its actor owns the key, `free` where it
   * was fenced, `wait` while it may still act, `moved` where it must be read again.
   */
  async function resolve(key: string, known: Known, origin: Origin): Promise<'taken' | 'free' | 'wait' | 'moved'> {
    if (known.state.status !== 'reserved') return known.state.status === 'held' ? 'taken' : 'free';
    const { by, attempt, until } = known.state;
    const isOverdue = Date.parse(until) < Date.now();
    const owner = isOverdue ? await fence(by, key, attempt, origin) : ownerOf(await log.read(by), key);
    if (owner === null) return isOverdue ? 'free' : 'wait';
    const held = await write(key, known, { type: 'KeyHeld', data: { by, attempt: owner } }, origin);
    return held ? 'taken' : 'moved';
  }

  async function reserve(key: string, request: ReservationRequest): Promise<ReservationResult> {
    const { by, attempt, origin, mayWait } = request;
    const giveUpAt = Date.now() + (mayWait ? waitMs : 0);
    // Most keys are new, so the first guess costs no read.
    let known: Known = { revision: -1, state: initial };
    for (let pause = FIRST_PAUSE_MS; ; ) {
      const isOwn = known.state.status === 'held' && known.state.by === by;
      const fate = isOwn ? 'free' : await resolve(key, known, origin);
      if (fate === 'taken') return { isReserved: false, key, reason: 'taken' };
      if (fate === 'free') {
        const until = new Date(Date.now() + leaseMs).toISOString();
        const event: ReservationEvent = { type: 'KeyReserved', data: { by, attempt, until } };
        const mine = await write(key, known, event, origin);
        if (mine) return { isReserved: true, key, by, attempt, origin, revision: mine.revision };
      }
      if (fate === 'wait') {
        if (Date.now() >= giveUpAt) return { isReserved: false, key, reason: 'busy' };
        await sleep(pause * (0.5 + Math.random()));
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      }
      known = await read(key);
    }
  }

  /** Ends a reservation as `event` says, unless somebody else did meanwhile. */
  async function end({ key, by, attempt, revision, origin }: Reserved, heldBy: string | undefined): Promise<void> {
    const event: ReservationEvent =
      heldBy === undefined
        ? { type: 'KeyReleased', data: { by, attempt } }
        : { type: 'KeyHeld', data: { by, attempt: heldBy } };
    await write(key, { revision, state: initial }, event, origin);
  }

  return {
    newAttempt: () => uuidv7(),
    streamOf: ({ kind, parts }) => `reservation-${hash(kind, ...parts)}`,
    reserve,
    fence,
    async confirm(reserved) {
      const work = Promise.all(reserved.map((one) => end(one, one.attempt)))
        .then(() => onConfirmed?.())
        // The reservation stays overdue, and whoever wants the key confirms it.
        .catch(() => {})
        .finally(() => confirming.delete(work));
      confirming.add(work);
      if (confirming.size > MAX_CONFIRMING) await work;
    },
    async abandon(reserved, owned) {
      await Promise.all(reserved.map((one) => end(one, owned.get(one.key))));
    },
    async release(key, claimant, origin) {
      for (;;) {
        const known = await read(key);
        const [event] = release(known.state, claimant);
        if (!event || (await write(key, known, event, origin))) return;
      }
    },
    async claimantOf(key) {
      const { state } = await read(key);
      return state.status === 'free' ? null : { by: state.by, attempt: state.attempt };
    },
    async drain() {
      await Promise.all(confirming);
    },
  };
}

/** The attempt by which the stream with these events owns the key; null where it does not. */
function ownerOf(events: readonly DomainEvent[], key: string): string | null {
  const claims = events.reduce<ReadonlyMap<string, string>>(
    (owned, event) => foldClaims(owned, event.metadata),
    new Map(),
  );
  return claims.get(key) ?? null;
}
