/** The servers of the production shape, for a whole stack. EventStoreDB has its stand-in; the others are real. */
import { startEventStoreDbStandIn } from './eventstoredb-stand-in/stand-in.ts';
import { startKafka } from './kafka.ts';
import { productionLike } from './mongodb.ts';

export interface ProductionServers {
  readonly eventstoreUrl: string;
  readonly mongodbUrl: string;
  /** `host:port`. */
  readonly kafkaBroker: string;
  /** Stops them and removes their data. */
  remove(): Promise<void>;
}

/** Starts one of each. Throws where one is not installed (`npm run servers -- kafka secantusdb`). */
export async function startProductionServers(): Promise<ProductionServers> {
  const [eventstore, mongodb, kafka] = await Promise.all([
    startEventStoreDbStandIn(),
    productionLike.start(),
    startKafka(),
  ]);
  return {
    eventstoreUrl: eventstore.url,
    mongodbUrl: mongodb.url('annals'),
    kafkaBroker: kafka.broker,
    remove: async () => {
      await Promise.all([eventstore.remove(), mongodb.remove(), kafka.remove()]);
    },
  };
}
