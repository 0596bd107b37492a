/** An aggregate as the command handler sees it: its pure functions and the category of its streams. */
import type { AggregateDefinition, EventOf } from '@annals/contracts/kit/event';
import type { UniqueKey } from '@annals/contracts/kit/unique-key';
import type { ProblemCode } from '@annals/contracts/problems';

/** An event as deciders see it. */
export interface DecidedEvent {
  readonly type: string;
  readonly data: unknown;
}

/** How a refusal names a unique key that somebody else has: the mistake that clients are shown. */
export interface TakenKey {
  readonly code: ProblemCode;
  readonly pointer: string;
  readonly message: string;
}

export interface Decider<State, Event extends DecidedEvent = DecidedEvent> {
  readonly category: string;
  readonly initial: State;
  readonly evolve: (state: State, event: Event) => State;
  /** The unique keys that a state owns. */
  readonly keys: (state: State) => readonly UniqueKey[];
  /** By kind of unique key. */
  readonly taken: Readonly<Record<string, TakenKey>>;
}

/** Binds an aggregate's pure functions to its events. One without unique keys leaves `keys` and `taken` out. */
export function defineDecider<Aggregate extends AggregateDefinition, State>(
  aggregate: Aggregate,
  functions: {
    initial: State;
    evolve: (state: State, event: EventOf<Aggregate>) => State;
    keys?: (state: State) => readonly UniqueKey[];
    taken?: Readonly<Record<string, TakenKey>>;
  },
): Decider<State, EventOf<Aggregate>> {
  const { initial, evolve, keys = () => [], taken = {} } = functions;
  return { category: aggregate.category, initial, evolve, keys, taken };
}

/** A stream of an aggregate. */
export interface StreamRef<State> {
  readonly decider: Decider<State>;
  readonly stream: string;
}

/** The stream of the aggregate `id`. */
export function streamOf<State, Event extends DecidedEvent>(
  decider: Decider<State, Event>,
  id: string,
): StreamRef<State> {
  return { decider: decider as unknown as Decider<State>, stream: `${decider.category}-${id}` };
}
