/** The streams of reservations, and the fences that reservations leave in other streams. */
import type { ReservationEvent } from '@annals/contracts/identity/reservation.events';
import type { DomainEvent } from '@annals/contracts/kit/event';
import type { EventLog } from '@annals/platform/event-log/log';
import { RevisionConflict } from '@annals/platform/event-store/port';
import { uuidv5 } from '@annals/platform/uuid';
import { metadataOf, type Origin } from '../commands/events.ts';
import { expectedRevision, foldClaims } from '../commands/streams.ts';
import { evolve, initial, type ReservationState } from './domain/reservation.ts';

/** A reservation as of one revision; -1 where it has no events. */
export interface Known {
  readonly revision: number;
  readonly state: ReservationState;
}

/** A key that nobody ever wanted. */
export const unknown: Known = { revision: -1, state: initial };

/** The newest event tells the whole state. */
export async function readReservation(log: EventLog, key: string): Promise<Known> {
  const [newest] = await log.read(key, { direction: 'backwards', limit: 1 });
  if (!newest) return unknown;
  return { revision: newest.revision, state: evolve(initial, newest as unknown as ReservationEvent) };
}

/** Appends after what is known of the stream; null where it has moved on. */
export async function append(
  log: EventLog,
  stream: string,
  known: Known,
  event: ReservationEvent,
  origin: Origin,
): Promise<Known | null> {
  // By attempt, not by command: two attempts of one command must not be taken for one append.
  const id = uuidv5(`${stream}:${known.revision + 1}:${event.type}`, event.data.attempt);
  try {
    const entry = { id, ...event, metadata: metadataOf(event.type, origin) };
    const { revision } = await log.append(stream, [entry], expectedRevision(known));
    return { revision, state: evolve(known.state, event) };
  } catch (error) {
    if (error instanceof RevisionConflict) return null;
    throw error;
  }
}

/**
 * Makes sure that an attempt at `key` that has not been appended to `stream` never will be. Gives the attempt by
 * which the stream owns the key already; null where it does not, and then a fence was appended to it.
 */
export async function fence(
  log: EventLog,
  stream: string,
  { key, attempt }: { key: string; attempt: string },
  origin: Origin,
): Promise<string | null> {
  for (;;) {
    const events = await log.read(stream);
    const owner = ownerOf(events, key);
    if (owner) return owner;
    const end = { revision: events.length - 1, state: initial };
    if (await append(log, stream, end, { type: 'ReservationLapsed', data: { key, attempt } }, origin))
      return null;
  }
}

/** The attempt by which the stream with these events owns the key; null where it does not. */
export function ownerOf(events: readonly DomainEvent[], key: string): string | null {
  const none: ReadonlyMap<string, string> = new Map();
  return events.reduce((owned, { metadata }) => foldClaims(owned, metadata), none).get(key) ?? null;
}
