/** A real EventStoreDB for tests: one that the environment names, or else one in a container. */
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';
import { testEventStore } from '../config.ts';

const IMAGE = 'eventstore/eventstore:23.10.0-bookworm-slim';
const PORT = 2113;

/** A server, or what takes its place when several logs are needed. */
export interface RealEventStoreDb {
  readonly url: string;
  remove(): Promise<void>;
}

/** How real servers can be had; null where they can't. `isOne`: there is but one, with whatever it holds. */
export async function realEventStoreDb(): Promise<{
  readonly isOne: boolean;
  readonly open: () => Promise<RealEventStoreDb>;
} | null> {
  const url = testEventStore;
  if (url !== undefined) return { isOne: true, open: async () => ({ url, remove: async () => {} }) };
  try {
    await getContainerRuntimeClient();
  } catch {
    return null;
  }
  return { isOne: false, open: startContainer };
}

async function startContainer(): Promise<RealEventStoreDb> {
  const container = await new GenericContainer(IMAGE)
    .withEnvironment({
      EVENTSTORE_CLUSTER_SIZE: '1',
      EVENTSTORE_INSECURE: 'true',
      EVENTSTORE_MEM_DB: 'false',
      EVENTSTORE_RUN_PROJECTIONS: 'None',
    })
    .withExposedPorts(PORT)
    .withWaitStrategy(Wait.forHttp('/health/live', PORT).forStatusCode(204))
    .start();
  return {
    url: `esdb://${container.getHost()}:${container.getMappedPort(PORT)}?tls=false`,
    remove: async () => {
      await container.stop();
    },
  };
}
