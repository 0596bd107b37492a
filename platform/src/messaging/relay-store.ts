/**
 * The consumer store of relays: leases and repairs are in PostgreSQL, as everybody's; the effects are records. Where the
 * topics hold a checkpoint, that one counts: PostgreSQL's follows it, so `annals status` is right up to a batch.
 */
import type { TopicRecord } from '@annals/contracts/kit/topic';
import type { PostgresEffects } from '../consumer/reaction.ts';
import type { Claim, ConsumerStore } from '../consumer/store.ts';
import type { EventLog } from '../event-log/log.ts';
import { type Position, UnknownPosition } from '../event-store/port.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Delivery } from './delivery.ts';

export interface RelayStoreOptions {
  /** Keeps leases, positions and requests. */
  readonly base: ConsumerStore<PostgresEffects>;
  readonly delivery: Delivery;
  readonly log: Pick<EventLog, 'check'>;
  readonly logger: Logger;
}

/** Creates the store. Closing the delivery is up to its owner. */
export function createRelayStore(options: RelayStoreOptions): ConsumerStore<readonly TopicRecord[]> {
  const { base, delivery, log, logger } = options;

  /** Where to go on: never at a position of another log, or of events that a restored log has lost. */
  const resume = async (claim: Claim): Promise<Position> => {
    const delivered = await delivery.begin(claim.consumer);
    if (delivered === null || delivered === claim.position) return claim.position;
    try {
      await log.check(delivered);
      return delivered;
    } catch (error) {
      if (!(error instanceof UnknownPosition)) throw error;
      const { consumer, position } = claim;
      logger.warn(
        { consumer, delivered, position },
        'the topics hold events of another log; going on as if they did not',
      );
      return position;
    }
  };

  return {
    ...base,
    async claim(consumer, owner, leaseMs) {
      const claim = await base.claim(consumer, owner, leaseMs);
      return claim && base.commit(claim, await resume(claim), null);
    },
    async release(claims) {
      await Promise.all(claims.map(({ consumer }) => delivery.end(consumer)));
      await base.release(claims);
    },
    async commit(claim, to, records, repair) {
      await delivery.deliver(claim.consumer, records ?? [], to);
      return base.commit(claim, to, null, repair);
    },
  };
}
