/**
 * The continuous audit: holds the live views that this process folds against the log, a range of each per pass. A pass
 * is one scan of the log for all of them, slowed down to a small share of one processor; after as many passes as a view
 * has ranges, every document of it was looked at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventLog } from '../event-log/log.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ConsumerMetrics } from './metrics.ts';
import { RangeFold } from './range-fold.ts';
import type { ViewStore } from './store.ts';
import {
  advance,
  type Comparison,
  compare,
  NotKeepingUp,
  type Subject,
  type VerifyMeans,
  ViewGone,
} from './verify.ts';

/** A range of a view in one pass: bounds what a pass keeps in memory. */
const PAGE = { rows: 2_000, bytes: 2 * 1024 * 1024 };
/** Events that are read and folded at once: some milliseconds, in which nothing else of this process goes on. */
const BATCH_SIZE = 100;
/** Of one processor. */
const SHARE = 0.05;
/** Pauses are no longer than this, so that the end is not missed. */
const MAX_PAUSE_MS = 2_000;

export interface AuditOptions {
  readonly store: ViewStore;
  readonly log: EventLog;
  readonly metrics: ConsumerMetrics;
  readonly logger: Logger;
  /** The views that this process folds now. */
  readonly subjects: () => readonly Subject[];
  /** The least time from one pass to the next. */
  readonly everyMs: number;
}

/** Begins to audit; `stop` ends it. */
export function startAudit({ everyMs, ...options }: AuditOptions): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const rounds = new Map<string, Round>();
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await sleep(everyMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      await pass(options, rounds, signal).catch((error: unknown) => {
        if (!signal.aborted) options.logger.warn({ error }, 'an audit did not come to its end; trying again');
      });
    }
  };
  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** All of a view, looked at once. */
interface Round {
  /** The next range begins after this key. */
  readonly after: string | null;
  /** Differences found in this round, and in the one before. */
  readonly found: number;
  readonly before: number;
}

const FIRST: Round = { after: null, found: 0, before: 0 };

async function pass(
  options: Omit<AuditOptions, 'everyMs'>,
  rounds: Map<string, Round>,
  signal: AbortSignal,
): Promise<void> {
  const { store, log, metrics, subjects } = options;
  const audited = subjects();
  for (const consumer of rounds.keys()) {
    if (audited.some((subject) => subject.consumer === consumer)) continue;
    rounds.delete(consumer);
    metrics.auditDifferences.remove({ consumer });
  }
  if (audited.length === 0) return;
  const pairs = await Promise.all(
    audited.map(async (subject) => {
      const { after } = rounds.get(subject.consumer) ?? FIRST;
      const upTo = await store.pageEnd(subject.consumer, after, PAGE);
      return { subject, fold: new RangeFold(subject.projection, { after, upTo }) };
    }),
  );
  const folds = pairs.map(({ fold }) => fold);
  const means: VerifyMeans = { store, log, signal, batchSize: BATCH_SIZE, rest: pauses(signal) };
  await advance(folds, means, { from: await log.start() });
  for (const { subject, fold } of pairs) {
    const isStill = subjects().some(({ consumer }) => consumer === subject.consumer);
    if (!isStill) continue;
    // One that is held must not keep the others from being looked at.
    const found = await compare(subject, fold, means).catch((error: unknown) => {
      if (!(error instanceof NotKeepingUp || error instanceof ViewGone)) throw error;
      options.logger.warn({ error, consumer: subject.consumer }, 'left out of this pass of the audit');
    });
    const round = rounds.get(subject.consumer) ?? FIRST;
    if (found) rounds.set(subject.consumer, note(options, subject, fold, found, round));
  }
}

/** Tells what was found; gives where the round goes on. */
function note(
  { metrics, logger }: Pick<AuditOptions, 'metrics' | 'logger'>,
  { consumer }: Subject,
  { range: { upTo } }: RangeFold,
  { rows, differing }: Comparison,
  round: Round,
): Round {
  if (differing.length > 0)
    logger.error({ consumer, keys: differing.slice(0, 20) }, 'the view differs from the log');
  const found = round.found + differing.length;
  metrics.audited.inc({ consumer }, rows);
  metrics.auditDifferences.set({ consumer }, Math.max(found, round.before));
  if (upTo !== null) return { after: upTo, found, before: round.before };
  metrics.auditRounds.inc({ consumer });
  metrics.auditDifferences.set({ consumer }, found);
  return { after: null, found: 0, before: found };
}

/** Waits after each piece of work as long as it takes for the work to be {@link SHARE} of the time. */
function pauses(signal: AbortSignal): () => Promise<void> {
  let since = performance.now();
  return async () => {
    const worked = performance.now() - since;
    await sleep(Math.min(MAX_PAUSE_MS, worked * (1 / SHARE - 1)), undefined, { signal });
    since = performance.now();
  };
}
