/**
 * Loads the documents that a batch touches, in one query; those of the next batch already while the one before is
 * being written, so that Node and the database work at once.
 */
import type { DomainEvent } from '@annals/contracts/kit/event';
import { keysOf, keysToLoad } from './fold.ts';
import type { Projection } from './projection.ts';
import type { Loaded, Writes } from './store.ts';

/** A batch with all that its fold needs. */
export interface Prepared extends Loaded {
  readonly events: readonly DomainEvent[];
  /** Of each event. */
  readonly keys: readonly (readonly string[])[];
}

const NOTHING: Loaded = { docs: new Map(), reached: new Map() };

export interface Loader {
  /** Begins to load for the batch after the one at work. */
  ahead(events: readonly DomainEvent[]): void;
  /** What the fold needs, as of the newest commit. Throws what `keys` of the projection throws. */
  load(events: readonly DomainEvent[]): Promise<Prepared>;
  /** A batch was committed: of what was loaded ahead, this is newer. */
  written(writes: Writes): void;
  /** Something else was committed: what was loaded ahead may be outdated. */
  forget(): void;
}

interface Ahead {
  readonly events: readonly DomainEvent[];
  readonly loading: Promise<Prepared>;
  written: Writes | undefined;
}

/** Creates a loader; keys in `parked` are left out. */
export function createLoader(
  projection: Projection,
  parked: ReadonlySet<string>,
  query: (keys: readonly string[]) => Promise<Loaded>,
): Loader {
  let ahead: Ahead | undefined;

  const loadNow = async (events: readonly DomainEvent[]): Promise<Prepared> => {
    const keys = keysOf(projection, events);
    const wanted = keysToLoad(projection, { events, keys }, parked);
    return { events, keys, ...(wanted.length > 0 ? await query(wanted) : NOTHING) };
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
      return own.written ? overlay(loaded, own.written) : loaded;
    },
    written(writes) {
      if (ahead) ahead.written = writes;
    },
    forget() {
      ahead = undefined;
    },
  };
}

/** What was loaded, with those writes that concern it: they reflect every event before this batch. */
function overlay(loaded: Prepared, { upserts, deletes }: Writes): Prepared {
  const docs = new Map(loaded.docs);
  for (const key of deletes) docs.delete(key);
  for (const some of loaded.keys) {
    for (const key of some) {
      const doc = upserts.get(key);
      if (doc) docs.set(key, doc);
    }
  }
  return { ...loaded, docs };
}
