/** Consumers of several stores, seen as one. */
import type { Consumers } from './runtime.ts';
import type { ConsumerStatus } from './store.ts';

/** Consumers, and whose of them these are. */
export interface ConsumersPart {
  readonly consumers: Consumers;
  /** True for the names of those that run on this store: what another store tells of them is from before they moved. */
  owns(consumer: string): boolean;
}

/** Joins `parts`; each consumer is owned by one of them. What nobody owns is asked of the first. */
export function joinConsumers(parts: readonly [ConsumersPart, ...ConsumersPart[]]): Consumers {
  const [first] = parts;
  const ownerOf = (consumer: string): ConsumersPart => parts.find(({ owns }) => owns(consumer)) ?? first;
  const each = <Result>(ask: (consumers: Consumers) => Promise<Result>): Promise<Result[]> =>
    Promise.all(parts.map(({ consumers }) => ask(consumers)));
  return {
    async start() {
      await each((consumers) => consumers.start());
    },
    async stop() {
      await each((consumers) => consumers.stop());
    },
    isReady: () => parts.every(({ consumers }) => consumers.isReady()),
    async status() {
      const known = await Promise.all(
        parts.map(async (part): Promise<readonly ConsumerStatus[]> => {
          const all = await part.consumers.status();
          return all.filter(({ consumer }) => ownerOf(consumer) === part);
        }),
      );
      return known.flat().sort((a, b) => (a.consumer < b.consumer ? -1 : 1));
    },
    request: (request) => ownerOf(request.consumer).consumers.request(request),
    requests: async () => (await each((consumers) => consumers.requests())).flat(),
  };
}
