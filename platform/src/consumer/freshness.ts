/**
 * Reading views without ever claiming more than was read. Where a caller asks for a position, waits for it; parked
 * events of what was read count as missing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '@annals/contracts/problems';
import type { Position } from '../event-store/port.ts';
import type { Listener } from '../postgres/listener.ts';
import type { Queryable } from '../postgres/shared-connections.ts';
import type { CheckpointRow, DocumentStore, Documents, ViewKey } from '../read-store/documents.ts';
import {
  type CheckpointedRead,
  type Claims,
  checkpoints,
  readOnce,
  readTogether,
  readWhole,
  type Seen,
} from './checkpointed-read.ts';
import { type Basis, type Coherence, createCoherence } from './coherence.ts';
import { createKnownProgress, type KnownProgress } from './known-progress.ts';
import { PROGRESS_CHANNEL, parsePayload } from './progress.ts';
import { createReadSources, type ReadSource } from './read-sources.ts';

export type { ReadSource } from './read-sources.ts';

/** How often a reader looks again that saw less than was announced, and whoever waits for documents elsewhere. */
const RECHECK_MS = 20;
/** How often checkpoints are read for those who wait, should notifications not arrive. */
const POLL_MS = 250;

export interface FreshOptions<Data> {
  /** The answer must reflect the log up to here. */
  readonly minPosition?: Position | undefined;
  /** How long to wait for that, in milliseconds. Default 0. */
  readonly waitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * The single documents that the answer is made of (`data` is undefined where `work` threw): where one of them has
   * parked events at or before `minPosition`, the answer is `projection-parked`; and while they stay as they are, so does the
   * answer as far as their views are concerned. Leave it out for lists.
   */
  readonly resources?: (data: Data | undefined) => readonly ViewKey[];
  /** `work` runs few statements, and indexes make them short: they may share a connection with those of others. */
  readonly isQuick?: boolean | undefined;
}

export interface Fresh<Data> {
  readonly data: Data;
  /** The log up to here is reflected, parked events aside. */
  readonly position: Position;
  /** How many documents of the views have parked events. */
  readonly parked: number;
  /** What was read at, so that the answer can be kept; null where it cannot be. */
  readonly basis: Basis | null;
}

export interface Freshness {
  /** Tells whether what was read is still what views hold, once it is told to watch them. */
  readonly coherence: Coherence & { watch(views: readonly string[]): void };
  /**
   * Runs `work`, which reads `views` (names of projections with their version, at least one) on the given connection,
   * and their documents by the given port, alone. Throws Problem `projection-behind`, `projection-parked` or `unavailable`, the signal's reason, and what
   * `work` throws once the views have got there. `work` may run more than once.
   */
  read<Data>(
    views: readonly string[],
    options: FreshOptions<Data>,
    work: (client: Queryable, documents: Documents) => Promise<Data>,
  ): Promise<Fresh<Data>>;
  /** True where all `views` are there and have caught up with the log once. */
  areLive(views: readonly string[]): Promise<boolean>;
  /** Ends the listening; those who wait get `projection-behind`. */
  close(): Promise<void>;
}

export interface FreshnessOptions extends ReadSource {
  /** Read replicas: where there are any, they are read by turns, and the primary only while all of them are away. */
  readonly replicas?: readonly ReadSource[];
  /** Of the primary. */
  readonly listener: Listener;
  /** Where documents are, if not beside the rows. */
  readonly store?: DocumentStore | undefined;
  /** Readers that may wait at once; more are refused. Default 1,000. */
  readonly maxWaiting?: number;
}

/** Begins to listen to announcements. */
export function createFreshness(options: FreshnessOptions): Freshness {
  const { pool, shared, listener, store, replicas = [], maxWaiting = 1_000 } = options;
  const readFromAny = createReadSources([...replicas, { pool, shared }]);
  const known = createKnownProgress();
  const closing = new AbortController();
  const isElsewhere = (view: string): boolean => store?.holds(view) ?? false;
  const rowViews = (views: readonly string[]) => views.filter((view) => !isElsewhere(view));
  const coherence = createCoherence(async (views) => [
    ...(await checkpoints(pool, rowViews(views))),
    ...(store ? await checkpointsIn(store, views) : []),
  ]);
  /** What readers see is known from then on. */
  const claims: Claims = {
    claimable(consumer, checkpoint, through) {
      coherence.saw(consumer, checkpoint);
      return known.claimable(consumer, checkpoint, through);
    },
  };
  const listening = listener.listen(PROGRESS_CHANNEL, (payload) => {
    const news = parsePayload(payload);
    // First what is no longer so; then those are woken who will ask again.
    coherence.heard(news);
    known.learn(news);
  });
  listening.catch(() => {});
  const polls = [createPoll(known, POLL_MS, (views) => checkpoints(pool, rowViews(views)))];
  if (store) polls.push(createPoll(known, RECHECK_MS, (views) => checkpointsIn(store, views)));

  const waitFor = async (
    views: readonly string[],
    position: Position,
    waitMs: number,
    signal?: AbortSignal,
  ) => {
    if (known.covers(views, position)) return;
    if (known.waiting >= maxWaiting) throw behind();
    const waiting = known.waitFor(
      views,
      position,
      waitMs,
      AbortSignal.any([closing.signal, ...(signal ? [signal] : [])]),
    );
    for (const poll of polls) poll.start();
    const isThere = await waiting.finally(() => {
      if (known.waiting === 0) for (const poll of polls) poll.stop();
    });
    if (!isThere) throw behind();
  };

  const readNow = <Data>(
    read: Reading<Data>,
    { isQuick, minPosition }: FreshOptions<Data>,
  ): Promise<Seen<Data>> =>
    readFromAny((source) =>
      isQuick
        ? readTogether(read, source.shared, minPosition !== undefined)
        : readOnce({ ...read, pool: source.pool }),
    );

  /** What was seen, once it reflects `minPosition`. */
  const readFrom = async <Data>(
    read: Reading<Data>,
    minPosition: Position,
    options: FreshOptions<Data>,
  ): Promise<Seen<Data>> => {
    const { waitMs = 0, signal } = options;
    const deadline = performance.now() + waitMs;
    for (let left = waitMs; ; left = deadline - performance.now()) {
      signal?.throwIfAborted();
      if (left > 0) await waitFor(read.views, minPosition, left, signal);
      const seen = await readNow(read, options);
      if (seen.position >= minPosition) return seen;
      if (left <= 0) throw behind();
      await sleep(RECHECK_MS, undefined, { signal });
    }
  };

  return {
    coherence,
    async read(views, options, work) {
      const read = { known: claims, store, views, work };
      const { minPosition, resources } = options;
      if (minPosition === undefined) return settle(await readNow(read, options), resources);
      const seen = await readFrom(read, minPosition, options);
      if (seen.parked === 0 || !resources) return settle(seen, resources);
      const whole = await readFromAny((source) =>
        readWhole({ ...read, pool: source.pool }, resources, minPosition),
      );
      if (whole.position < minPosition) throw behind();
      if (!whole.isParked) return settle(whole, resources);
      throw new Problem('projection-parked', 'Changes of this resource wait for a repair', {
        retryAfter: 60,
      });
    },
    async areLive(views) {
      const there = store ? await checkpointsIn(store, views) : [];
      const here = await readFromAny((source) => checkpoints(source.pool, rowViews(views)));
      const rows = [...here, ...there];
      return rows.length === new Set(views).size && rows.every(({ isLive }) => isLive);
    },
    async close() {
      closing.abort(behind());
      coherence.close();
      const unlisten = await listening.catch(() => undefined);
      await unlisten?.();
    },
  };
}

type Reading<Data> = Omit<CheckpointedRead<Data>, 'pool'>;

/** The checkpoints of those `views` that `store` holds. */
async function checkpointsIn(
  store: DocumentStore,
  views: readonly string[],
): Promise<readonly CheckpointRow[]> {
  const held = views.filter((view) => store.holds(view));
  return held.length > 0 ? store.checkpoints(held) : [];
}

/** Reads checkpoints for all who wait at once, again and again. */
interface Poll {
  /** Reads now, and from now on. */
  start(): void;
  stop(): void;
}

/** One read at a time. What fails is tried again; the reads of data tell of errors. */
function createPoll(
  known: KnownProgress,
  everyMs: number,
  read: (awaited: readonly string[]) => Promise<readonly CheckpointRow[]>,
): Poll {
  let timer: NodeJS.Timeout | undefined;
  let isReading = false;
  const look = (): void => {
    if (isReading) return;
    isReading = true;
    read(known.awaited())
      .then(
        (rows) => known.learn(rows.map(({ consumer, position, through }) => [consumer, position, through])),
        () => {},
      )
      .finally(() => {
        isReading = false;
      });
  };
  return {
    start() {
      timer ??= setInterval(look, everyMs);
      look();
    },
    stop() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}

function settle<Data>(
  { outcome, position, parked, basis }: Seen<Data>,
  resources: FreshOptions<Data>['resources'],
): Fresh<Data> {
  if (outcome.status === 'rejected') throw outcome.reason;
  const data = outcome.value;
  return { data, position, parked, basis: basis && resources ? basis.of(resources(data)) : basis };
}

function behind(): Problem {
  return new Problem('projection-behind', 'The view has not reached the position asked for; try again', {
    retryAfter: 1,
  });
}
