/** The pure part of a projection's batch: which keys it touches, and what becomes of their documents. */
import type { DomainEvent } from '@annals/contracts/kit/event';
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

/** The distinct keys whose documents a fold needs: those without a queue. */
export function keysToLoad(keys: readonly (readonly string[])[], parked: ReadonlySet<string>): string[] {
  const distinct = new Set<string>();
  for (const some of keys) for (const key of some) if (!parked.has(key)) distinct.add(key);
  return [...distinct];
}

export interface Fold {
  readonly events: readonly DomainEvent[];
  /** Of each event. */
  readonly keys: readonly (readonly string[])[];
  /** The documents before, by key. */
  readonly docs: ReadonlyMap<string, object>;
  /** Keys with a queue: their events join it. */
  readonly parked: ReadonlySet<string>;
  /** Keys that the store refused: they are parked from their first event on. Key → code. */
  readonly refused: ReadonlyMap<string, string>;
}

/** Folds a batch. An event whose `evolve` throws is parked for that key, and so are all later ones of the key. */
export function fold(projection: Projection, { events, keys, docs, parked, refused }: Fold): Writes {
  const states = new Map<string, object | null>();
  const poisoned = new Set<string>();
  const queue: ParkedEvent[] = [];
  const poison = (event: DomainEvent, key: string, error: string): void => {
    poisoned.add(key);
    queue.push(park(event, key, error));
  };

  const apply = (event: DomainEvent, key: string): void => {
    if (parked.has(key) || poisoned.has(key)) {
      queue.push(park(event, key, null));
      return;
    }
    const refusal = refused.get(key);
    if (refusal !== undefined) {
      poison(event, key, refusal);
      return;
    }
    const current = states.get(key);
    try {
      states.set(
        key,
        projection.evolve(current === undefined ? (docs.get(key) ?? null) : current, event, key),
      );
    } catch (error) {
      poison(event, key, errorCode(error));
    }
  };

  for (const [index, event] of events.entries()) for (const key of keys[index] ?? []) apply(event, key);
  return { ...changes(states, docs), parked: queue };
}

function changes(
  states: ReadonlyMap<string, object | null>,
  docs: ReadonlyMap<string, object>,
): Omit<Writes, 'parked'> {
  const upserts = new Map<string, object>();
  const deletes: string[] = [];
  for (const [key, state] of states) {
    const before = docs.get(key) ?? null;
    if (state === before) continue;
    if (state === null) deletes.push(key);
    else upserts.set(key, state);
  }
  return { upserts, deletes };
}

function park({ stream, revision, position }: DomainEvent, key: string, error: string | null): ParkedEvent {
  return { key, stream, revision, position, error };
}
