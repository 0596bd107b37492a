/** Tells of views in MongoDB that nobody folds: without a projector, which else tells, nobody but their readers can. */
import type { DocumentStore } from '@annals/platform/read-store/documents';
import type { Logger } from '@annals/platform/telemetry/logger';
import { Gauge, type Registry } from 'prom-client';

/**
 * Registers the gauge, which is looked up whenever it is asked for, `views` as well; what it was stays while MongoDB is away.
 */
export function tellUnowned(
  store: DocumentStore,
  views: () => readonly string[],
  { metrics, logger }: { readonly metrics: Registry; readonly logger: Logger },
): void {
  new Gauge({
    name: 'annals_consumer_unowned',
    help: '1 where no process holds the lease',
    labelNames: ['consumer'],
    registers: [metrics],
    async collect() {
      try {
        const all = views();
        const unowned = new Set(await store.unowned(all));
        for (const consumer of all) this.set({ consumer }, unowned.has(consumer) ? 1 : 0);
      } catch (error) {
        logger.warn({ error }, 'the owners of views could not be looked up');
      }
    },
  });
}
