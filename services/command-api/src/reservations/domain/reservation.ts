/**
 * A reservation: who owns a unique key, or is about to. Its newest event tells its whole state, so it can be read
 * from the end. Pure.
 */
import type { ReservationEvent } from '@annals/contracts/identity/reservation.events';

/** `by` is the stream of the aggregate that wants or owns the key, `attempt` the one act for which it was reserved. */
export interface Claimant {
  readonly by: string;
  readonly attempt: string;
}

export type ReservationState =
  | { readonly status: 'free' }
  | ({ readonly status: 'reserved'; readonly until: string } & Claimant)
  | ({ readonly status: 'held' } & Claimant);

export const initial: ReservationState = { status: 'free' };

/** Folds one event. Total. */
export function evolve(state: ReservationState, event: ReservationEvent): ReservationState {
  switch (event.type) {
    case 'KeyReserved':
      return { status: 'reserved', ...event.data };
    case 'KeyHeld':
      return { status: 'held', ...event.data };
    case 'KeyReleased':
      return initial;
    case 'ReservationLapsed':
      return state;
    default:
      return event satisfies never;
  }
}

/** Gives the key up, where this very claimant has it; otherwise nothing happens. */
export function release(state: ReservationState, { by, attempt }: Claimant): ReservationEvent[] {
  const isTheirs = state.status !== 'free' && state.by === by && state.attempt === attempt;
  return isTheirs ? [{ type: 'KeyReleased', data: { by, attempt } }] : [];
}
