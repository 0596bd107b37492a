/**
 * Events of a reservation: a small aggregate named by a unique key. Streams: `reservation-<keyed hash of the key>`.
 * `by` is the stream of the actor that holds or wants the key.
 */
import { z } from 'zod';
import { defineAggregate, defineEvent, type EventOf } from '../kit/event.ts';
import { timestamp, uuid } from '../kit/primitives.ts';

const claim = { by: z.string(), attempt: uuid };

/** A unique key: free, reserved for an act under way, or held. */
export const reservation = defineAggregate('reservation', {
  KeyReserved: defineEvent({ version: 1, data: z.object({ ...claim, until: timestamp }) }),
  KeyHeld: defineEvent({ version: 1, data: z.object(claim) }),
  KeyReleased: defineEvent({ version: 1, data: z.object(claim) }),
  /** Written to the actor's own stream by whoever takes over its overdue reservation: it fences the late act. */
  ReservationLapsed: defineEvent({ version: 1, data: z.object({ key: z.string(), attempt: uuid }) }),
});

export type ReservationEvent = EventOf<typeof reservation>;
