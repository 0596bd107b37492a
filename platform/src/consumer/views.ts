import type { EventLog } from '../event-log/log.ts';
import type { Logger } from '../telemetry/logger.ts';
import { startAudit } from './audit.ts';
import { createGenerations, type Generations } from './generations.ts';
import type { ConsumerMetrics } from './metrics.ts';
import { type Projection, viewName } from './projection.ts';
import type { Runners } from './runners.ts';
import type { ViewStore } from './store.ts';

/** How often outdated generations and versions are looked for, and how old they have to be. */
const SWEEP_MS = 60_000;
const OUTDATED_MS = 24 * 60 * 60_000;
/** Longer than anybody needs who is at it. */
const LEFT_MS = 10 * 60_000;

/** What runtimes of views do besides: generations, and the audit. */
export interface Views {
  readonly generations: Generations;
  start(): void;
  /** Begins to drop what is outdated, now and then. */
  sweep(): void;
  stop(): Promise<void>;
}

export interface ViewsOptions {
  readonly store: ViewStore;
  readonly consumers: readonly Projection[];
  readonly log: EventLog;
  readonly runners: Runners;
  readonly metrics: ConsumerMetrics;
  readonly logger: Logger;
  readonly tickMs: number;
  readonly auditEveryMs?: number;
}

/** Creates it; nothing happens before `start`, `take` or `sweep`. */
export function openViews(options: ViewsOptions): Views {
  const { store, log, logger, runners, metrics, tickMs, auditEveryMs } = options;
  const projections = new Map(options.consumers.map((one) => [viewName(one), one]));
  // Whoever folds it looks once per tick.
  const graceMs = 3 * tickMs;
  const generations = createGenerations({ store, log, projections, logger, graceMs });
  const subjects = () =>
    [...projections].flatMap(([consumer, projection]) =>
      runners.get(consumer)?.holding?.claim.isLive ? [{ consumer, projection }] : [],
    );
  let audit: { stop(): Promise<void> } | undefined;
  let sweptAt = performance.now();
  let sweeping: Promise<void> | undefined;
  const dropOutdated = async (): Promise<void> => {
    for (const consumer of await store.outdated(OUTDATED_MS)) {
      logger.info({ consumer }, 'outdated for a day; dropped');
      await store.drop(consumer, graceMs);
    }
    const left = await store.dropLeft(LEFT_MS);
    if (left.length > 0) logger.info({ left }, 'left over from drops that were interrupted; dropped');
  };
  return {
    generations,
    start() {
      if (auditEveryMs !== undefined)
        audit = startAudit({ store, log, metrics, logger, subjects, everyMs: auditEveryMs });
    },
    sweep() {
      if (sweeping || performance.now() < sweptAt + SWEEP_MS) return;
      sweptAt = performance.now();
      sweeping = dropOutdated()
        .catch((error: unknown) => logger.warn({ error }, 'what is outdated could not be dropped'))
        .finally(() => {
          sweeping = undefined;
        });
    },
    async stop() {
      await Promise.all([audit?.stop(), generations.stop(), sweeping]);
    },
  };
}
