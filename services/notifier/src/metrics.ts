/** What the push service counts. */
import { Counter, Gauge, type Registry } from 'prom-client';

export interface PushMetrics {
  /** Lines written to sockets, each counted per socket. */
  delivered(lines: number): void;
  /** A socket closed by the server. */
  closed(code: number): void;
  /** A socket that never became one. */
  refused(reason: string): void;
  /** A subscription: without `since`, or where its missed lines came from. */
  recovered(origin: string): void;
  /** Something of ours failed; the client got `unavailable`. */
  failed(error: unknown): void;
}

/** Registers the metrics; gauges are read when they are scraped. Failures go to `onFailure`. */
export function createPushMetrics(
  registry: Registry,
  gauges: { sockets: () => number; channels: () => number },
  onFailure: (error: unknown) => void,
): PushMetrics {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  gauge('annals_push_sockets', 'Open sockets', gauges.sockets);
  gauge('annals_push_channels', 'Channels with local followers', gauges.channels);
  const deliveries = counter('annals_push_deliveries_total', 'Lines written, counted per socket');
  const closes = counter('annals_push_closes_total', 'Sockets closed by the server', ['code']);
  const refusals = counter('annals_push_refusals_total', 'Handshakes refused', ['reason']);
  const subscriptions = counter(
    'annals_push_subscriptions_total',
    'Subscriptions by what they recover from',
    ['origin'],
  );
  const failures = counter('annals_push_failures_total', 'Failures that clients saw as unavailable');
  return {
    delivered: (lines) => deliveries.inc(lines),
    closed: (code) => closes.inc({ code }),
    refused: (reason) => refusals.inc({ reason }),
    recovered: (origin) => subscriptions.inc({ origin }),
    failed: (error) => {
      failures.inc();
      onFailure(error);
    },
  };
}
