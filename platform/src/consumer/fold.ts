/** The pure part of a projection's batch: which keys it touches, and what becomes of their documents. */
import type { DomainEvent } from '@annals/contracts/kit/event';
import type { Position } from '../event-store/port.ts';
import { errorCode } from './errors.ts';
import type { Projection } from './projection.ts';
import type { ParkedEvent, Writes } from './store.ts';

/** The keys of each event, in step with `events`. Throws what `keys` throws. */
export function keysOf(
  projection: Projection,
  events: readonly DomainEvent[],
): readonly (readonly string[])[] {
  return events.map((event) => {
    const keys = projection.keys(event);
    for (const key of keys) {
      if (typeof key !== 'string' || key === '') throw new TypeError(`${event.type} gives an empty key`);
    }
    return keys.length > 1 ? [...new Set(keys)] : keys;
  });
}

/** The distinct keys whose documents a fold needs: those without a queue, and those to be blanked. */
export function keysToLoad(
  { erasers }: Pick<Projection, 'erasers'>,
  { events, keys }: Pick<Fold, 'events' | 'keys'>,
  parked: ReadonlySet<string>,
): string[] {
  const distinct = new Set<string>();
  for (const [index, event] of events.entries()) {
    const isNeeded = erasers?.has(event.type) ? () => true : (key: string) => !parked.has(key);
    for (const key of keys[index] ?? []) if (isNeeded(key)) distinct.add(key);
  }
  return [...distinct];
}

export interface Fold {
  readonly events: readonly DomainEvent[];
  /** Of each event. */
  readonly keys: readonly (readonly string[])[];
  /** The documents before, by key. */
  readonly docs: ReadonlyMap<string, object>;
  /** What some of them, or their absence, reflect already: events up to there are passed over. */
  readonly reached: ReadonlyMap<string, Position>;
  /** Keys with a queue: their events join it. */
  readonly parked: ReadonlySet<string>;
  /** Keys that the store refused: they are parked from their first event on. Key → code. */
  readonly refused: ReadonlyMap<string, string>;
}

/** Folds a batch. An event whose `evolve` throws is parked for that key, and so are all later ones of the key. */
export function fold(projection: Projection, { events, keys, docs, reached, parked, refused }: Fold): Writes {
  const states = new Map<string, Folded>();
  const poisoned = new Set<string>();
  const queue: ParkedEvent[] = [];

  const stateOf = (key: string): object | null => {
    const folded = states.get(key);
    return folded ? folded.state : (docs.get(key) ?? null);
  };

  /** Where even that is refused, nothing is kept. */
  const blank = (event: DomainEvent, key: string): void => {
    const state = stateOf(key);
    if (!state) return;
    const position = states.get(key)?.position ?? justPast(reached.get(key));
    states.set(key, { state: refused.has(key) ? null : blanked(projection, state, event, key), position });
  };

  /** `error`: why the key's queue begins here; null behind what has begun it. */
  const enqueue = (event: DomainEvent, key: string, error: string | null): void => {
    if (error !== null) poisoned.add(key);
    queue.push(park(event, key, error));
    if (projection.erasers?.has(event.type)) blank(event, key);
  };

  const apply = (event: DomainEvent, key: string): void => {
    if (parked.has(key) || poisoned.has(key)) {
      enqueue(event, key, null);
      return;
    }
    if (isReached(reached, key, event)) return;
    const refusal = refused.get(key);
    if (refusal !== undefined) {
      enqueue(event, key, refusal);
      return;
    }
    const folded = states.get(key);
    try {
      const state = projection.evolve(stateOf(key), event, key);
      if (folded) {
        folded.state = state;
        folded.position = event.position;
      } else states.set(key, { state, position: event.position });
    } catch (error) {
      enqueue(event, key, errorCode(error));
    }
  };

  for (const [index, event] of events.entries()) for (const key of keys[index] ?? []) apply(event, key);
  return { ...changes(states, docs), parked: queue };
}

function blanked(projection: Projection, state: object, event: DomainEvent, key: string): object | null {
  try {
    return projection.evolve(state, event, key);
  } catch {
    return null;
  }
}

/** Newer than the document, older than all in its queue: a retry passes nothing over. */
function justPast(position: Position = ''): Position {
  return `${position}~`;
}

/** What became of a key, and by which event. */
interface Folded {
  state: object | null;
  position: Position;
}

/** True where the document of `key` reflects `event` already. */
export function isReached(
  reached: ReadonlyMap<string, Position>,
  key: string,
  { position }: { readonly position: Position },
): boolean {
  const last = reached.get(key);
  return last !== undefined && position <= last;
}

function changes(
  states: ReadonlyMap<string, Folded>,
  docs: ReadonlyMap<string, object>,
): Omit<Writes, 'parked'> {
  const upserts = new Map<string, object>();
  const deletes: string[] = [];
  const positions = new Map<string, Position>();
  for (const [key, { state, position }] of states) {
    const before = docs.get(key) ?? null;
    if (state === before) continue;
    positions.set(key, position);
    if (state === null) deletes.push(key);
    else upserts.set(key, state);
  }
  return { upserts, deletes, positions };
}

function park({ stream, revision, position }: DomainEvent, key: string, error: string | null): ParkedEvent {
  return { key, stream, revision, position, error };
}
