import type { ConsumerMetrics } from './metrics.ts';
import { viewOf } from './projection.ts';
import type { ConsumerStatus } from './store.ts';

/**
 * Creates what tells of all consumers of a database, so that those of a service that is down show in the metrics of
 * another one. A version that another one has taken the place of needs no owner. Several may share `metrics`.
 */
export function createObserver(metrics: ConsumerMetrics): (statuses: readonly ConsumerStatus[]) => void {
  let before: readonly string[] = [];
  return (statuses) => {
    const there = statuses.map(({ consumer }) => consumer);
    for (const consumer of before) if (!there.includes(consumer)) metrics.forget(consumer);
    before = there;
    for (const status of statuses) {
      const { consumer, owner, parkedKeys } = status;
      const isMissed = owner === null && !statuses.some((other) => replaces(other, status));
      metrics.unowned.set({ consumer }, isMissed ? 1 : 0);
      metrics.parkedKeys.set({ consumer }, parkedKeys);
    }
  };
}

function replaces(other: ConsumerStatus, { consumer }: ConsumerStatus): boolean {
  const [view, own] = [viewOf(other.consumer), viewOf(consumer)];
  return view !== own && nameOf(view) === nameOf(own) && other.isLive && other.owner !== null;
}

function nameOf(view: string): string {
  return view.replace(/_v\d+$/, '');
}
