import type { EventLog, LogSubscription } from '../event-log/log.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import type { ConsumerFaults } from './faults.ts';
import { createFeed } from './feed.ts';
import type { ConsumerMetrics } from './metrics.ts';
import type { Progress } from './progress.ts';
import { besideOf } from './projection.ts';
import { Runner } from './runner.ts';
import type { ConsumerStatus, ConsumerStore, Registration } from './store.ts';
import type { Term } from './term.ts';

/** A consumer as the runtime sees it. */
export interface Unit extends Registration {
  readonly handles: ReadonlySet<string>;
  /**
   * Gives what opens the terms of `consumer`: this one, or the generation beside it. Asked once for each generation that
   * begins, so what the terms share is that generation's alone.
   */
  readonly termsOf: (consumer: string) => () => Promise<Term>;
  readonly pace?: Pick<LogSubscription, 'batchSize'>;
}

/** The runners of a process: one for each of its consumers, and for each generation that stands beside one of them. */
export interface Runners {
  all(): readonly Runner[];
  get(consumer: string): Runner | undefined;
  /** Begins to run generations that are there now, ends those that are gone. */
  follow(statuses: readonly ConsumerStatus[]): void;
}

interface RunnersOptions {
  readonly log: EventLog;
  readonly store: ConsumerStore<never>;
  readonly owner: string;
  readonly logger: Logger;
  readonly tracing?: Tracing;
  readonly progress?: Progress;
  readonly faults?: ConsumerFaults | undefined;
}

/** Creates them; none is started. */
export function createRunners(
  { log, store, owner, logger, tracing, progress, faults }: RunnersOptions,
  units: readonly Unit[],
  metrics: ConsumerMetrics,
  leaseMs: number,
): Runners {
  const feed = createFeed(log, new Set(units.flatMap(({ handles }) => [...handles])));
  const runnerOf = ({ handles, termsOf, pace }: Unit, consumer: string): Runner =>
    new Runner({
      ...{ consumer, handles, owner, leaseMs, store, logger, metrics, tracing, faults },
      openTerm: termsOf(consumer),
      follow: (subscription) =>
        subscription.batchSize === 1
          ? log.subscribe(subscription)
          : feed.follow({ ...subscription, ...pace }),
      onProgress: (...announcement) => progress?.announce(...announcement),
    });
  const runners = new Map(units.map((unit) => [unit.consumer, runnerOf(unit, unit.consumer)]));

  const end = (consumer: string, runner: Runner): void => {
    runners.delete(consumer);
    void runner.stop().then(() => metrics.forget(consumer));
  };

  return {
    all: () => [...runners.values()],
    get: (consumer) => runners.get(consumer),
    follow(statuses) {
      const there = new Set(statuses.map(({ consumer }) => consumer));
      for (const unit of units) {
        const beside = besideOf(unit.consumer);
        const runner = runners.get(beside);
        if (runner && !there.has(beside)) end(beside, runner);
        if (!runner && there.has(beside)) runners.set(beside, runnerOf(unit, beside));
      }
    },
  };
}
