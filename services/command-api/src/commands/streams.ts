/**
 * Streams as folded states, cached by revision. A cached state may be behind its stream: it may be appended to (the
 * append checks the revision) but never answer for it.
 */
import type { DomainEvent, KeyClaim } from '@annals/contracts/kit/event';
import type { EventLog } from '@annals/platform/event-log/log';
import type { AppendResult, ExpectedRevision } from '@annals/platform/event-store/port';
import { LRUCache } from 'lru-cache';
import type { DecidedEvent, Decider, StreamRef } from './decider.ts';

/** The unique keys that an event takes and gives up. */
interface Claims {
  readonly claims?: readonly KeyClaim[] | undefined;
  readonly releases?: readonly KeyClaim[] | undefined;
}

/** A stream's state as of one revision. */
export interface Snapshot<State> {
  /** Of the newest event; -1 where there is none. */
  readonly revision: number;
  /** Of the newest event; null where there is none. */
  readonly position: string | null;
  readonly state: State;
  /** The unique keys it owns (reservation streams), each with the attempt that took it. */
  readonly claims: ReadonlyMap<string, string>;
}

/** What an append must expect for the snapshot still to be the newest. */
export function expectedRevision({ revision }: Pick<Snapshot<unknown>, 'revision'>): ExpectedRevision {
  return revision < 0 ? 'none' : revision;
}

/** The snapshot of a stream without events. */
export function emptySnapshot<State>(decider: Pick<Decider<State>, 'initial'>): Snapshot<State> {
  return { revision: -1, position: null, state: decider.initial, claims: new Map() };
}

export interface Streams {
  /** What is remembered of the stream; it may be behind. */
  cached<State>(ref: StreamRef<State>): Snapshot<State> | undefined;
  /** The state at the stream's end: what is remembered, and whatever came after it. */
  load<State>(ref: StreamRef<State>): Promise<{ snapshot: Snapshot<State>; tail: readonly DomainEvent[] }>;
  /** All of the stream, whatever is remembered. */
  loadWhole<State>(
    ref: StreamRef<State>,
  ): Promise<{ snapshot: Snapshot<State>; tail: readonly DomainEvent[] }>;
  /** The state at the stream's end, and all that came after `snapshot`, whatever is remembered. */
  loadAfter<State>(
    ref: StreamRef<State>,
    snapshot: Snapshot<State>,
  ): Promise<{ snapshot: Snapshot<State>; tail: readonly DomainEvent[] }>;
  /** Folds what was just appended after `snapshot` and remembers it. */
  advance<State>(
    ref: StreamRef<State>,
    snapshot: Snapshot<State>,
    appended: Appended,
    result: AppendResult,
  ): void;
}

/** Events with the unique keys that they take and give up. */
interface Appended extends Claims {
  readonly events: readonly DecidedEvent[];
}

/** Creates a cache of at most `maxEntries` states and roughly `maxBytes`. */
export function createStreams(log: EventLog, limits: { maxEntries: number; maxBytes: number }): Streams {
  const cache = new LRUCache<string, Snapshot<unknown>>({
    max: limits.maxEntries,
    maxSize: limits.maxBytes,
    sizeCalculation: ({ state, claims }) => 200 + roughSize(state) + claims.size * 150,
  });

  /** Another command may have remembered a newer one meanwhile. */
  function remember(stream: string, snapshot: Snapshot<unknown>): void {
    if (snapshot.revision > (cache.get(stream)?.revision ?? -1)) cache.set(stream, snapshot);
  }

  async function loadFrom<State>({ decider, stream }: StreamRef<State>, start: Snapshot<State>) {
    const tail = await log.read(stream, { from: start.revision + 1 });
    if (tail.length === 0) return { snapshot: start, tail };
    const snapshot = tail.reduce((folded, event) => foldEvent(decider, folded, event), start);
    remember(stream, snapshot);
    return { snapshot, tail };
  }

  function cached<State>({ stream }: StreamRef<State>): Snapshot<State> | undefined {
    return cache.get(stream) as Snapshot<State> | undefined;
  }

  return {
    cached,
    load: (ref) => loadFrom(ref, cached(ref) ?? emptySnapshot(ref.decider)),
    loadWhole: (ref) => loadFrom(ref, emptySnapshot(ref.decider)),
    loadAfter: loadFrom,
    advance({ decider, stream }, snapshot, appended, result) {
      const state = appended.events.reduce(decider.evolve, snapshot.state);
      remember(stream, { ...result, state, claims: foldClaims(snapshot.claims, appended) });
    },
  };
}

function foldEvent<State>(
  decider: Decider<State>,
  snapshot: Snapshot<State>,
  event: DomainEvent,
): Snapshot<State> {
  const { revision, position } = event;
  const claims = foldClaims(snapshot.claims, event.metadata);
  // A fence moves the revision and nothing else: no aggregate knows of it.
  const state = event.type === 'ReservationLapsed' ? snapshot.state : decider.evolve(snapshot.state, event);
  return { revision, position, state, claims };
}

/** The unique keys owned after an event, by the attempt that took each. */
export function foldClaims(
  owned: ReadonlyMap<string, string>,
  { claims = [], releases = [] }: Claims,
): ReadonlyMap<string, string> {
  if (claims.length === 0 && releases.length === 0) return owned;
  const next = new Map(owned);
  for (const { key } of releases) next.delete(key);
  for (const { key, attempt } of claims) next.set(key, attempt);
  return next;
}

/** Bytes, more or less: enough to bound a cache, cheap enough for every append. */
function roughSize(value: unknown): number {
  if (typeof value === 'string') return 40 + value.length * 2;
  if (typeof value !== 'object' || value === null) return 16;
  return Object.values(value).reduce<number>((sum, member) => sum + roughSize(member), 40);
}
