import { Counter } from 'prom-client';
import { expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';

it('shows process metrics and own ones, labelled with the service', async () => {
  const registry = createMetrics('tested');
  new Counter({ name: 'annals_things_total', help: 'Things', registers: [registry] }).inc(2);
  const text = await registry.metrics();
  expect(text).toContain('annals_things_total{service="tested"} 2');
  expect(text).toMatch(/process_cpu_user_seconds_total\{service="tested"\}/);
});

it('keeps two services in one process apart', async () => {
  const [a, b] = [createMetrics('a'), createMetrics('b')];
  new Counter({ name: 'annals_things_total', help: 'Things', registers: [a] }).inc();
  expect(await b.metrics()).not.toContain('annals_things_total');
});
