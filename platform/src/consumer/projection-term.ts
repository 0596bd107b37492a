/** A projection at work: one load, a fold in memory and one commit per batch; parking; repairs of parked keys. */
import type { DomainEvent } from '@annals/contracts/kit/event';
import type { EventLog } from '../event-log/log.ts';
import { errorCode, isTransient } from './errors.ts';
import { fold, isReached } from './fold.ts';
import { createLoader } from './loader.ts';
import type { ParkingLimit } from './parking-limit.ts';
import type { Projection } from './projection.ts';
import {
  type Claim,
  LeaseLost,
  type ParkedEvent,
  type PendingRequest,
  type Repair,
  type ViewStore,
  type Writes,
  WritesRefused,
} from './store.ts';
import type { Term } from './term.ts';

const PAGE = 1_000;

export interface ProjectionTermOptions {
  readonly projection: Projection;
  /** The live generation or the one beside. */
  readonly consumer: string;
  readonly store: ViewStore;
  readonly log: EventLog;
  readonly limit: ParkingLimit;
}

/** Begins a term of a projection: reads which keys have parked events; from then on its owner alone changes that. */
export async function openProjection({
  projection,
  consumer,
  store,
  log,
  limit,
}: ProjectionTermOptions): Promise<Term> {
  const parked = new Set(await store.parkedKeys(consumer));
  /** Only documents are kept one by one. */
  const touched = projection.store === 'documents' ? new Set<string>() : null;

  const loader = createLoader(projection, parked, (keys) => store.load(consumer, keys));

  const commit = async (claim: Claim, to: string, writes: Writes): Promise<Claim> => {
    const poisoned = writes.parked.filter(({ error }) => error !== null);
    limit.check(poisoned.length);
    const moved = await store.commit(claim, to, writes);
    for (const { key } of poisoned) parked.add(key);
    loader.written(writes);
    limit.count(poisoned.length);
    return moved;
  };

  /** The key's next events are folded again, onto the document of now: of a batch loaded ahead it was left out. */
  const unpark = (key: string): void => {
    parked.delete(key);
    loader.forget();
  };

  /** The key's document once its parked events are folded. Throws where they still cannot be. */
  const refold = async (key: string): Promise<Writes> => {
    const { docs, reached } = await store.load(consumer, [key]);
    const before = docs.get(key) ?? null;
    let state = before;
    let last: string | undefined;
    for (let after: string | null = null; ; ) {
      const page: readonly ParkedEvent[] = await store.parkedEvents(consumer, key, after, PAGE);
      const events = (await readAgain(log, page)).filter((event) => !isReached(reached, key, event));
      for (const event of events) state = projection.evolve(state, event, key);
      last = events.at(-1)?.position ?? last;
      after = page.at(-1)?.position ?? null;
      if (page.length < PAGE) break;
    }
    return becoming(key, before, state, last);
  };

  const retry = async (claim: Claim, request: PendingRequest, key: string): Promise<Claim> => {
    try {
      const writes = await refold(key);
      const moved = await store.commit(claim, claim.position, writes, {
        request,
        outcome: 'retried',
        unparked: key,
      });
      unpark(key);
      return moved;
    } catch (error) {
      if (isTransient(error) || error instanceof LeaseLost) throw error;
      const [code] = error instanceof WritesRefused ? error.refused.values() : [errorCode(error)];
      return store.commit(claim, claim.position, null, { request, outcome: `failed again: ${code}` });
    }
  };

  return {
    prepare: loader.ahead,
    touched: () => touched,
    async apply(claim, events, to) {
      const { keys, docs, reached } = await loader.load(events);
      if (touched) refill(touched, keys.flat());
      const refused = new Map<string, string>();
      for (;;) {
        const writes = fold(projection, { events, keys, docs, reached, parked, refused });
        try {
          return await commit(claim, to, writes);
        } catch (error) {
          if (!(error instanceof WritesRefused)) throw error;
          // Ends: a refused key is parked in the next round, so it is not written again.
          for (const [key, code] of error.refused) refused.set(key, code);
        }
      }
    },
    async repair(claim, request) {
      loader.forget();
      const key = 'key' in request ? request.key : '';
      if (!parked.has(key)) {
        return store.commit(claim, claim.position, null, {
          request,
          outcome: 'nothing is parked for this key',
        });
      }
      if (request.action === 'retry') return retry(claim, request, key);
      const repair: Repair = { request, outcome: 'discarded', unparked: key };
      const moved = await store.commit(claim, claim.position, null, repair);
      unpark(key);
      return moved;
    },
  };
}

function refill<Item>(set: Set<Item>, items: readonly Item[]): void {
  set.clear();
  for (const item of items) set.add(item);
}

/** The writes that make `after` of `before`, by events up to `last`. */
function becoming(
  key: string,
  before: object | null,
  after: object | null,
  last: string | undefined,
): Writes {
  return {
    upserts: new Map(after === null ? [] : [[key, after]]),
    deletes: after === null && before !== null ? [key] : [],
    parked: [],
    positions: new Map(last === undefined ? [] : [[key, last]]),
  };
}

/** Parked events as the log holds them, in the order given: each stream is read once. */
async function readAgain(log: EventLog, parked: readonly ParkedEvent[]): Promise<readonly DomainEvent[]> {
  const ranges = new Map<string, { from: number; to: number }>();
  for (const { stream, revision } of parked) {
    const range = ranges.get(stream);
    ranges.set(stream, {
      from: Math.min(range?.from ?? revision, revision),
      to: Math.max(range?.to ?? revision, revision),
    });
  }
  const found = new Map<string, DomainEvent>();
  const reads = [...ranges].map(([stream, { from, to }]) => log.read(stream, { from, limit: to - from + 1 }));
  for (const event of (await Promise.all(reads)).flat()) found.set(event.position, event);
  return parked.map(({ stream, revision, position }) => {
    const event = found.get(position);
    if (!event) throw new Error(`${stream} has no event ${revision} at ${position}`);
    return event;
  });
}
