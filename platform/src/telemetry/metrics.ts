/** Metrics in Prometheus' format. */
import { collectDefaultMetrics, Registry } from 'prom-client';

/** A registry of `service`'s metrics, those of the process and of Node included; every sample is labelled `service`. */
export function createMetrics(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}
