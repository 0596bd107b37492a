/** Consumers of several stores, seen as one. */
import { viewOf } from './projection.ts';
import type { Consumers } from './runtime.ts';
import type { ConsumerStatus } from './store.ts';

/** Consumers, and whose of them these are. */
export interface ConsumersPart {
  readonly consumers: Consumers;
  /**
   * True for the views that run on this store, whichever version or generation: what another store tells of them is from
   * before they moved.
   */
  owns(consumer: string): boolean;
}

/** The part that runs `projections`. */
export function consumersOf(
  consumers: Consumers,
  projections: readonly { readonly name: string }[],
): ConsumersPart {
  const names = new Set(projections.map(({ name }) => name));
  return { consumers, owns: (consumer) => names.has(viewOf(consumer).replace(/_v\d+$/, '')) };
}

/** Joins `parts`; each view is owned by one of them. What nobody owns is asked where it is, or of the first. */
export function joinConsumers(parts: readonly [ConsumersPart, ...ConsumersPart[]]): Consumers {
  const [first] = parts;
  const each = <Result>(ask: (consumers: Consumers) => Promise<Result>): Promise<Result[]> =>
    Promise.all(parts.map(({ consumers }) => ask(consumers)));

  const toldBy = async (part: ConsumersPart): Promise<readonly ConsumerStatus[]> => {
    const others = parts.filter((other) => other !== part);
    const all = await part.consumers.status();
    return all.filter(({ consumer }) => !others.some(({ owns }) => owns(consumer)));
  };

  const partOf = async (consumer: string): Promise<ConsumersPart> => {
    const owner = parts.find(({ owns }) => owns(consumer));
    if (owner) return owner;
    const told = await Promise.all(parts.map(toldBy));
    return parts.find((_, at) => told[at]?.some((one) => one.consumer === consumer)) ?? first;
  };

  return {
    async start() {
      await each((consumers) => consumers.start());
    },
    async stop() {
      await each((consumers) => consumers.stop());
    },
    isReady: () => parts.every(({ consumers }) => consumers.isReady()),
    async status() {
      const known = await Promise.all(parts.map(toldBy));
      return known.flat().sort((a, b) => (a.consumer < b.consumer ? -1 : 1));
    },
    request: async (request) => (await partOf(request.consumer)).consumers.request(request),
    requests: async () => (await each((consumers) => consumers.requests())).flat(),
  };
}
