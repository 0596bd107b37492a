/** The loop behind `subscribe`, for adapters whose positions are numbers. */
import type { EventBatch, Position, StoredEvent, SubscribeOptions } from './port.ts';

const DEFAULT_BATCH_SIZE = 1_000;

/** A run of the log after some position. */
export interface Page {
  readonly events: readonly StoredEvent[];
  /** The number of the last event, or where the page began when it is empty. */
  readonly through: number;
  /** True where nothing followed when the page was read. */
  readonly isHead: boolean;
}

/** What the loop reads from. Both give up quietly, with whatever they have, when `signal` is aborted. */
export interface PageSource {
  /** At most `limit` events after `after`. Retries what is transient. */
  page(after: number, limit: number, signal: AbortSignal): Promise<Page>;
  /** Resolves when there may be events after `after`. */
  changed(after: number, signal: AbortSignal): Promise<void>;
  position(number: number): Position;
}

/**
 * Yields batches after `from` until `signal` is aborted. A page is read only when the consumer asks for a batch, so a
 * slow consumer holds one page and no more.
 */
export async function* follow(
  source: PageSource,
  from: Promise<number>,
  options: SubscribeOptions,
  signal: AbortSignal,
): AsyncGenerator<EventBatch, void, undefined> {
  const limit = options.batchSize ?? DEFAULT_BATCH_SIZE;
  let through = await from;
  let caughtUp = false;
  while (!signal.aborted) {
    const page = await source.page(through, limit, signal);
    if (signal.aborted) return;
    const hasNews = page.through > through || (page.isHead && !caughtUp);
    through = page.through;
    caughtUp = page.isHead;
    if (hasNews) {
      const events = options.filter ? page.events.filter(options.filter) : page.events;
      yield { events, through: source.position(through), caughtUp };
    } else {
      await source.changed(through, signal);
    }
  }
}
