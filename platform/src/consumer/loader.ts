/**
 * Loads the documents that a batch touches, in one query; those of the next batch already while the one before is
 * being written, so that Node and the database work at once.
 */
import type { DomainEvent } from '@annals/contracts/kit/event';
import { keysOf, keysToLoad } from './fold.ts';
import type { Projection } from './projection.ts';
import type { Writes } from './store.ts';

/** A batch with all that its fold needs. */
export interface Loaded {
  readonly events: readonly DomainEvent[];
  /** Of each event. */
  readonly keys: readonly (readonly string[])[];
  readonly docs: ReadonlyMap<string, object>;
}

export interface Loader {
  /** Begins to load for the batch after the one at work. */
  ahead(events: readonly DomainEvent[]): void;
  /** What the fold needs, as of the newest commit. Throws what `keys` of the projection throws. */
  load(events: readonly DomainEvent[]): Promise<Loaded>;
  /** A batch was committed: of what was loaded ahead, this is newer. */
  written(writes: Writes): void;
  /** Something else was committed: what was loaded ahead may be outdated. */
  forget(): void;
}

interface Ahead {
  readonly events: readonly DomainEvent[];
  readonly loading: Promise<Loaded>;
  written: Writes | undefined;
}

/** Creates a loader; keys in `parked` are left out. */
export function createLoader(
  projection: Projection,
  parked: ReadonlySet<string>,
  query: (keys: readonly string[]) => Promise<ReadonlyMap<string, object>>,
): Loader {
  let ahead: Ahead | undefined;

  const loadNow = async (events: readonly DomainEvent[]): Promise<Loaded> => {
    const keys = keysOf(projection, events);
    const wanted = keysToLoad(keys, parked);
    return { events, keys, docs: wanted.length > 0 ? await query(wanted) : new Map() };
  };

  return {
    ahead(events) {
      const loading = loadNow(events);
      // Whoever takes it learns of the error.
      loading.catch(() => {});
      ahead = { events, loading, written: undefined };
    },
    async load(events) {
      const own = ahead?.events === events ? ahead : undefined;
      ahead = undefined;
      if (!own) return loadNow(events);
      const loaded = await own.loading;
      return own.written ? { ...loaded, docs: overlay(loaded, own.written) } : loaded;
    },
    written(writes) {
      if (ahead) ahead.written = writes;
    },
    forget() {
      ahead = undefined;
    },
  };
}

/** The documents with those writes that concern them. */
function overlay({ keys, docs }: Loaded, { upserts, deletes }: Writes): ReadonlyMap<string, object> {
  const newest = new Map(docs);
  for (const key of deletes) newest.delete(key);
  for (const some of keys) {
    for (const key of some) {
      const doc = upserts.get(key);
      if (doc) newest.set(key, doc);
    }
  }
  return newest;
}
