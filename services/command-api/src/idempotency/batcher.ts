/** Many small writes as few statements: whatever queued while one was under way goes out together. */

export interface Batcher<Item, Result> {
  /** The item's own result; rejects with the error of its batch. */
  add(item: Item): Promise<Result>;
  /** Items that are not done yet. */
  readonly size: number;
  /** Resolves once nothing is queued or under way. */
  drain(): Promise<void>;
}

/**
 * Creates a batcher: `flush` gets at most `maxBatch` items in their order and gives a result for each, in the same
 * order. One batch is under way at a time; the first of an idle batcher goes out at the end of the turn.
 */
export function createBatcher<Item, Result>(
  flush: (items: readonly Item[]) => Promise<readonly Result[]>,
  maxBatch: number,
): Batcher<Item, Result> {
  interface Entry extends PromiseWithResolvers<Result> {
    readonly item: Item;
  }
  const queue: Entry[] = [];
  let underWay = 0;
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (queue.length > 0) {
      const entries = queue.splice(0, maxBatch);
      underWay = entries.length;
      try {
        const results = await flush(entries.map(({ item }) => item));
        for (const [index, entry] of entries.entries()) entry.resolve(results[index] as Result);
      } catch (error) {
        for (const entry of entries) entry.reject(error);
      }
      underWay = 0;
    }
    running = undefined;
  }

  return {
    add(item) {
      const entry = { item, ...Promise.withResolvers<Result>() };
      queue.push(entry);
      running ??= run();
      return entry.promise;
    },
    get size() {
      return queue.length + underWay;
    },
    async drain() {
      await running;
    },
  };
}
