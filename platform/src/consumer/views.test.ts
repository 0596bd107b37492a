import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Logger } from '../telemetry/logger.ts';
import type { ViewStore } from './store.ts';
import { openViews, type ViewsOptions } from './views.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('outdated generations and what is left of interrupted drops are dropped, looked for once a minute', async () => {
  const drop = vi.fn<ViewStore['drop']>(async () => {});
  const dropLeft = vi.fn<ViewStore['dropLeft']>(async () => ['old_v2']);
  const store: Partial<ViewStore> = { outdated: async () => ['old_v1'], drop, dropLeft };
  const logger: Partial<Logger> = { info: vi.fn(), warn: vi.fn() };
  const views = openViews({ store, consumers: [], logger, tickMs: 1 } as unknown as ViewsOptions);
  for (let second = 0; second < 150; second++) {
    views.sweep();
    await vi.advanceTimersByTimeAsync(1_000);
  }
  await views.stop();
  expect(drop.mock.calls).toEqual([
    ['old_v1', 3],
    ['old_v1', 3],
  ]);
  expect(dropLeft.mock.calls).toEqual([[600_000], [600_000]]);
});
