/** The loop behind `subscribe`. */
import type { EventBatch, Position, StoredEvent, SubscribeOptions } from './port.ts';

const DEFAULT_BATCH_SIZE = 1_000;

/** A run of the log after some position. */
export interface Page {
  readonly events: readonly StoredEvent[];
  /** The position of the last event, or where the page began when it is empty. */
  readonly through: Position;
  /** True where nothing followed when the page was read. */
  readonly isHead: boolean;
}

/** What a subscription wants next. */
export interface PageRequest {
  readonly after: Position;
  /** Events at most. */
  readonly limit: number;
  /** It has been told that it is caught up; it need not be told again. */
  readonly isCaughtUp: boolean;
}

/** What the loop reads from. */
export interface PageSource {
  /** Waits until there is {@link isNews}; null once `signal` is aborted. Retries what is transient. */
  next(request: PageRequest, signal: AbortSignal): Promise<Page | null>;
}

/** True where a page tells a subscription something: events, or that it is caught up. */
export function isNews(page: Page, request: PageRequest): boolean {
  return page.through > request.after || (page.isHead && !request.isCaughtUp);
}

/**
 * Yields batches after `from` until `signal` is aborted. A page is asked for only when the consumer asks for a batch,
 * so a slow consumer holds one page and no more.
 */
export async function* follow(
  source: PageSource,
  from: Promise<Position>,
  options: SubscribeOptions,
  signal: AbortSignal,
): AsyncGenerator<EventBatch, void, undefined> {
  const limit = options.batchSize ?? DEFAULT_BATCH_SIZE;
  let after: Position;
  try {
    after = await from;
  } catch (error) {
    if (options.signal?.aborted) return;
    throw error;
  }
  let isCaughtUp = false;
  while (!signal.aborted) {
    const page = await source.next({ after, limit, isCaughtUp }, signal);
    if (!page || signal.aborted) return;
    after = page.through;
    isCaughtUp = page.isHead;
    const events = options.filter ? page.events.filter(options.filter) : page.events;
    yield { events, through: after, caughtUp: isCaughtUp };
  }
}
