/** Decides what to append and reserves the unique keys that the decided state needs to own. */
import type { KeyClaim } from '@annals/contracts/kit/event';
import type { Route } from '@annals/contracts/kit/route';
import type { UniqueKey } from '@annals/contracts/kit/unique-key';
import { Problem } from '@annals/contracts/problems';
import type { Reservations, Reserved } from '../reservations/reservations.ts';
import type { Services } from '../services.ts';
import type { AnyCommand, CommandContext } from './command.ts';
import type { DecidedEvent, TakenKey } from './decider.ts';
import type { Origin } from './events.ts';
import type { Snapshot } from './streams.ts';

/** Decided events, and the unique keys that they take and give up. */
export interface Plan {
  readonly events: readonly DecidedEvent[];
  readonly claims: readonly KeyClaim[];
  readonly releases: readonly KeyClaim[];
}

export interface PlanTools {
  readonly reservations: Reservations;
  readonly services: Services;
}

export interface PlanInput {
  readonly command: AnyCommand;
  readonly context: CommandContext<Route, unknown, unknown, unknown>;
  readonly stream: string;
  readonly snapshot: Snapshot<unknown>;
  readonly origin: Origin;
  /** What is reserved is added here, also where planning fails: the caller confirms it or gives it back. */
  readonly reserved: Reserved[];
}

/**
 * Plans one attempt. Where a key is taken and the command has further candidates for its kind, decides again with the
 * next one. Throws the `Problem` of the decider, or one that names every key that is taken.
 */
export async function plan(input: PlanInput, { reservations, services }: PlanTools): Promise<Plan> {
  const { command, context, snapshot, reserved } = input;
  const { candidates = {}, decider } = command;
  const tried: Record<string, number> = {};
  let attempt = '';
  let current = context;
  for (;;) {
    const events = command.decide(current);
    if (events.length === 0) return { events, claims: [], releases: [] };
    const owned = keysAfter(events, input, reservations);
    const needed = [...owned.keys()].filter((key) => !snapshot.claims.has(key));
    if (needed.length > 0) attempt ||= reservations.newAttempt();
    const missing = needed.filter((key) => !reserved.some((held) => held.key === key));
    const failed = missing.length === 0 ? [] : await reserve(missing, owned, attempt, input, reservations);
    if (failed.length === 0) {
      await command.stage?.(context, services);
      const releases = [...snapshot.claims].filter(([key]) => !owned.has(key));
      return {
        events,
        claims: needed.map((key) => ({ key, attempt })),
        releases: releases.map(([key, by]) => ({ key, attempt: by })),
      };
    }
    const hopeless = failed.filter(({ kind }) => (tried[kind] ?? 0) + 1 >= (candidates[kind] ?? 1));
    if (hopeless.length > 0) throw takenProblem(decider.taken, hopeless);
    for (const { kind } of failed) tried[kind] = (tried[kind] ?? 0) + 1;
    current = { ...context, candidate: (kind) => tried[kind] ?? 0 };
  }
}

/** The unique keys that the state owns after `events`, by their reservation's stream. */
function keysAfter(
  events: readonly DecidedEvent[],
  { command: { decider }, snapshot }: PlanInput,
  reservations: Reservations,
): Map<string, UniqueKey> {
  const keys = decider.keys(events.reduce(decider.evolve, snapshot.state));
  return new Map(keys.map((key) => [reservations.streamOf(key), key]));
}

interface Failed {
  readonly kind: string;
  readonly reason: 'taken' | 'busy';
}

/**
 * Reserves the `missing` keys; gives those that could not be. Keys that are worth waiting for come one after the
 * other, in an order that all attempts share, so that no two of them ever wait for each other; the rest at once. Ends
 * when every reservation has ended, also where one fails.
 */
async function reserve(
  missing: readonly string[],
  owned: ReadonlyMap<string, UniqueKey>,
  attempt: string,
  { command: { candidates = {} }, stream, origin, reserved }: PlanInput,
  reservations: Reservations,
): Promise<Failed[]> {
  const kindOf = (key: string) => owned.get(key)?.kind ?? '';
  const isOnlyOne = (key: string) => (candidates[kindOf(key)] ?? 1) === 1;
  const failures = new Map<string, Failed>();
  const reserveOne = async (key: string, mayWait: boolean): Promise<boolean> => {
    const result = await reservations.reserve(key, { by: stream, attempt, origin, mayWait });
    if (result.isReserved) reserved.push(result);
    else failures.set(key, { kind: kindOf(key), reason: result.reason });
    return result.isReserved;
  };
  const inTurn = async (): Promise<void> => {
    let isHopeful = true;
    // Once one has failed, the rest only tells which of them are taken.
    for (const key of missing.filter(isOnlyOne).sort())
      isHopeful = (await reserveOne(key, isHopeful)) && isHopeful;
  };
  const others = missing.filter((key) => !isOnlyOne(key)).map((key) => reserveOne(key, false));
  const ends = await Promise.allSettled([inTurn(), ...others]);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return missing.flatMap((key) => failures.get(key) ?? []);
}

/** All taken keys at once; where none is taken for certain yet, that too many want them. */
function takenProblem(taken: Readonly<Record<string, TakenKey>>, failed: readonly Failed[]): Problem {
  const mistakes = failed.flatMap(({ kind, reason }) => (reason === 'taken' ? (taken[kind] ?? []) : []));
  const [first] = mistakes;
  if (!first)
    return new Problem('concurrent-changes', 'Someone else is about to take the same key; try again.');
  return new Problem(first.code, first.message, { mistakes });
}
