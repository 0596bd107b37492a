import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { DomainEventBatch } from '../event-log/log.ts';

/** What consumers tell about themselves; all labelled `consumer`. */
export interface ConsumerMetrics {
  readonly owned: Gauge<'consumer'>;
  readonly held: Gauge<'consumer'>;
  readonly parkedKeys: Gauge<'consumer'>;
  readonly unowned: Gauge<'consumer'>;
  readonly events: Counter<'consumer'>;
  readonly failures: Counter<'consumer'>;
  readonly batchSeconds: Histogram<'consumer'>;
  readonly auditDifferences: Gauge<'consumer'>;
  readonly audited: Counter<'consumer'>;
  readonly auditRounds: Counter<'consumer'>;
  /** Another process has the lease from here on, or nobody: what only its holder knows is not told any more. */
  letGo(consumer: string): void;
  /** The consumer is gone for good. */
  forget(consumer: string): void;
  /** Age of the newest event handled, 0 once caught up. */
  observeLag(consumer: string, batch: DomainEventBatch): void;
}

const LABELS = ['consumer'] as const;

/** The metrics of consumers in `registry`; the same ones for everybody who asks. */
export function consumerMetrics(registry: Registry): ConsumerMetrics {
  const known = registered.get(registry);
  if (known) return known;
  const gauge = (name: string, help: string) =>
    new Gauge({ name, help, labelNames: LABELS, registers: [registry] });
  const counter = (name: string, help: string) =>
    new Counter({ name, help, labelNames: LABELS, registers: [registry] });
  const lag = gauge('annals_consumer_lag_seconds', 'Age of the newest event handled; 0 once caught up');
  const metrics: ConsumerMetrics = {
    owned: gauge('annals_consumer_owned', '1 where this process holds the lease'),
    held: gauge('annals_consumer_held', '1 where an event cannot be handled and nothing moves'),
    parkedKeys: gauge('annals_consumer_parked_keys', 'Documents whose events are parked'),
    unowned: gauge('annals_consumer_unowned', '1 where no process holds the lease'),
    events: counter('annals_consumer_events_total', 'Events handled'),
    failures: counter('annals_consumer_failures_total', 'Attempts that failed'),
    batchSeconds: new Histogram({
      name: 'annals_consumer_batch_seconds',
      help: 'From a batch in memory to its commit',
      labelNames: LABELS,
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers: [registry],
    }),
    auditDifferences: gauge(
      'annals_audit_differences',
      'Documents that differ from a fold of the log, in this round of the audit or the one before; must be 0',
    ),
    audited: counter('annals_audit_documents_total', 'Documents held against a fold of the log'),
    auditRounds: counter('annals_audit_rounds_total', 'Times that a whole view was held against the log'),
    letGo(consumer) {
      metrics.owned.set({ consumer }, 0);
      lag.remove({ consumer });
    },
    forget(consumer) {
      for (const one of [metrics.owned, metrics.held, metrics.parkedKeys, metrics.unowned, lag])
        one.remove({ consumer });
    },
    observeLag(consumer, { events, caughtUp }) {
      const last = events.at(-1);
      if (caughtUp) lag.set({ consumer }, 0);
      else if (last)
        lag.set({ consumer }, Math.max(0, (Date.now() - Date.parse(last.metadata.occurredAt)) / 1_000));
    },
  };
  registered.set(registry, metrics);
  return metrics;
}

const registered = new WeakMap<Registry, ConsumerMetrics>();
