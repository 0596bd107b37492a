import type { Position } from '../event-store/port.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ConsumerMetrics } from './metrics.ts';
import type { Claim, ConsumerStore, Hold } from './store.ts';

/** Whether a consumer is held at an event, told to logs, metrics and status. */
export interface Held {
  /** True where it is held at the event of this position. */
  isAt(position: Position): boolean;
  /** Begins, or goes on. The store learns of it where a lease is held; that it does is not vital. */
  begin(claim: Claim | undefined, hold: Hold, cause: unknown): Promise<void>;
  /** The checkpoint has moved, which the commit has told the store, or the lease is another's. */
  end(): void;
}

export interface HeldOptions {
  readonly consumer: string;
  readonly store: Pick<ConsumerStore<never>, 'hold'>;
  readonly logger: Logger;
  readonly metrics: ConsumerMetrics;
}

/** Begins as not held. */
export function createHeld({ consumer, store, logger, metrics }: HeldOptions): Held {
  let current: Hold | undefined;
  return {
    isAt: (position) => current?.position === position,
    async begin(claim, hold, error) {
      const isNews = current?.position !== hold.position || current.error !== hold.error;
      current = hold;
      if (isNews) logger.error({ error, consumer, position: hold.position }, 'the consumer is held');
      metrics.held.set({ consumer }, 1);
      if (!claim) return;
      await store.hold(claim, hold).catch((cause: unknown) => {
        logger.warn({ error: cause, consumer }, 'could not note that the consumer is held');
      });
    },
    end() {
      if (!current) return;
      current = undefined;
      metrics.held.set({ consumer }, 0);
    },
  };
}
