/**
 * Specifications of deciders:
 * `spec.given(...events).when((state) => like(state, ada)).thenEvents({ type: 'ArticleLiked', data })`.
 */
import { type Mistake, Problem, type ProblemCode } from '@annals/contracts/problems';
import { expect } from 'vitest';
import { deepFreeze } from './deep-freeze.ts';

interface Folded {
  readonly type: string;
}

/** What a decider's module exports. */
export interface Foldable<State, Event extends Folded> {
  readonly initial: State;
  evolve(state: State, event: Event): State;
}

/** The history that a command meets. */
export interface Given<State, Event extends Folded> {
  /** Decides once, on a frozen state. */
  when(decide: (state: State) => readonly Event[]): Outcome<State, Event>;
  /** For tests of `evolve` itself. */
  readonly state: State;
}

/** What a command led to. Each expectation looks at the whole outcome. */
export interface Outcome<State, Event extends Folded> {
  /** Exactly these events, in order; gives the state after them. */
  thenEvents(...expected: readonly Event[]): State;
  /** Success without an event: what was asked for is already so. */
  thenNothing(): void;
  /** Refused with this code, and with exactly these mistakes where they are given. */
  thenRefused(code: ProblemCode, mistakes?: readonly Mistake[]): void;
}

/** Specifications of one decider; `given()` is the state before its first event. */
export function deciderSpec<State, Event extends Folded>(decider: Foldable<State, Event>) {
  const fold = (state: State, events: readonly Event[]): State =>
    events.reduce((current, event) => deepFreeze(decider.evolve(current, deepFreeze(event))), state);
  return {
    given(...history: readonly Event[]): Given<State, Event> {
      const state = fold(deepFreeze(decider.initial), history);
      return { state, when: (decide) => outcomeOf(decide, state, fold) };
    },
  };
}

function outcomeOf<State, Event extends Folded>(
  decide: (state: State) => readonly Event[],
  state: State,
  fold: (state: State, events: readonly Event[]) => State,
): Outcome<State, Event> {
  const { events, refusal } = attempt(decide, state);
  return {
    thenEvents(...expected) {
      if (refusal) throw refusal;
      expect(events).toEqual(expected);
      return fold(state, events);
    },
    thenNothing() {
      if (refusal) throw refusal;
      expect(events).toEqual([]);
    },
    thenRefused(code, mistakes) {
      expect(refusal ? { refused: refusal.code } : { decided: events }).toEqual({ refused: code });
      if (mistakes) expect(refusal?.mistakes).toEqual(mistakes);
    },
  };
}

/** Refusals are outcomes; every other error fails the test by itself. */
function attempt<State, Event>(decide: (state: State) => readonly Event[], state: State) {
  try {
    return { events: decide(state), refusal: undefined };
  } catch (error) {
    if (error instanceof Problem) return { events: [], refusal: error };
    throw error;
  }
}
