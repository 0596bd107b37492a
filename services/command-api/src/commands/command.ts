/**
 * Commands: what a route of command-api does to an aggregate. A definition says which stream is meant, who may, and
 * what is decided; everything else (loading, conflicts, uniqueness, idempotency, answers) is the handler's. The
 * `*.commands.ts` files export definitions and are found at start.
 */
import type { BodyOf, ParamsOf, Permission, Route } from '@annals/contracts/kit/route';
import type { Caller } from '@annals/platform/http/types';
import type { Services } from '../services.ts';
import type { DecidedEvent, Decider, StreamRef } from './decider.ts';

/** A validated request, as commands see it. */
export interface CommandInput<R extends Route> {
  readonly params: ParamsOf<R>;
  readonly body: BodyOf<R>;
  readonly caller: Caller;
  /**
   * Whether the caller holds the permission. Before a refusal that follows a `false` is answered, the caller's own
   * stream is read to its end and everything is decided again.
   */
  can(permission: Permission): boolean;
}

/** All that a decision may depend on. */
export interface CommandContext<R extends Route, State, Prepared, Related> extends CommandInput<R> {
  /** Of the aggregate: from the path, or a new one. */
  readonly id: string;
  readonly state: State;
  /** States of other streams, each at its end; null where none was asked for. */
  readonly related: Related;
  readonly prepared: Prepared;
  /** For something else that the command makes; the same for every attempt at it. */
  readonly newId: string;
  /** RFC 3339 in UTC. */
  readonly now: string;
  /** How many values for the unique key of this kind were found taken: 0 at first. */
  candidate(kind: string): number;
}

interface CommandParts<R extends Route, State, Event extends DecidedEvent, Prepared, Related> {
  /** The stream's id, without its category. Left out: the command creates, and the id is new. */
  readonly target?: (input: CommandInput<R>) => string;
  /** Other streams that the decision depends on. */
  readonly related?: (input: CommandInput<R>) => {
    readonly [Name in keyof Related]: StreamRef<Exclude<Related[Name], null>> | null;
  };
  /**
   * What costs I/O or time and depends on the request alone, once per request; its result is `prepared`. Refuses by
   * throwing a `Problem`.
   */
  readonly prepare?: (input: CommandInput<R>, services: Services) => Promise<Prepared> | Prepared;
  /** Throws `not-found` or `forbidden` where the caller may not do this. Runs before conditions are checked. */
  readonly authorise?: (context: CommandContext<R, State, Prepared, Related>) => void;
  /** The events; none where all is so already. Refuses by throwing a `Problem`. Pure. */
  readonly decide: (context: CommandContext<R, State, Prepared, Related>) => readonly Event[];
  /**
   * Writes rows that must be there before the events are, under the same id; again for every attempt to append. Refuses
   * by throwing a `Problem`, where there is no room for them.
   */
  readonly stage?: (
    context: CommandContext<R, State, Prepared, Related>,
    services: Services,
  ) => Promise<void>;
  /**
   * By kind of unique key: how many values are tried (by `candidate`) before the key counts as taken. A candidate may
   * change the key of its kind alone.
   */
  readonly candidates?: Readonly<Record<string, number>>;
  /** What it is called in the security log, which is told of every time that it changed something. */
  readonly audit?: string;
  /** The created resource's path below the public URL. */
  readonly location?: (id: string) => string;
  /** Commands on a relation answer with just the id of the resource addressed. */
  readonly relationOf?: (input: CommandInput<R>) => string;
}

export interface Command<
  R extends Route = Route,
  State = unknown,
  Event extends DecidedEvent = DecidedEvent,
  Prepared = unknown,
  Related = unknown,
> extends CommandParts<R, State, Event, Prepared, Related> {
  readonly kind: 'command';
  readonly route: R;
  readonly decider: Decider<State, Event>;
}

/** Any command: what discovery finds and the handler runs. */
export type AnyCommand = Command;

/** Defines what `route` does to the aggregate of `decider`. */
export function defineCommand<
  R extends Route,
  State,
  Event extends DecidedEvent,
  Prepared = undefined,
  Related = Record<never, never>,
>(
  route: R,
  decider: Decider<State, Event>,
  parts: CommandParts<R, State, Event, Prepared, Related>,
): AnyCommand {
  return { kind: 'command', route, decider, ...parts } as unknown as AnyCommand;
}
