/** Where subscriptions get their pages: the shared tail where it reaches, the server otherwise. */
import type { Position, StoredEvent } from './port.ts';
import { isNews, type Page, type PageRequest, type PageSource } from './subscription.ts';
import { Tail, type TailEvent } from './tail.ts';

/** Events that follow a position, as the server has them. */
export interface LogPage {
  readonly entries: readonly TailEvent[];
  /** True where nothing followed them. */
  readonly isHead: boolean;
}

/** How an adapter reads the whole log, in the order of positions. Both outlast any absence of the server. */
export interface LogSource {
  /** At most `limit` events after `after`; null once `signal` is aborted. */
  page(after: Position, limit: number, signal: AbortSignal): Promise<LogPage | null>;
  /** All that follows `from`, as it comes, each event once, until `signal` is aborted. */
  feed(from: Position, signal: AbortSignal): AsyncIterable<LogPage>;
}

export interface LiveOptions {
  readonly source: LogSource;
  /** Hears of what ends the shared reading. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * All subscriptions of a store. The first one that has caught up starts one loop that takes what is new into a shared,
 * bounded tail; the loop ends with the last subscription. A subscription behind the tail reads pages of its own.
 */
export class LivePages implements PageSource {
  readonly #options: LiveOptions;
  readonly #waiting = new Set<() => void>();
  #subscriptions = 0;
  #tail: Tail | undefined;
  #loop = new AbortController();

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  /** Called by each subscription when it begins. */
  enter(): void {
    this.#subscriptions++;
  }

  /** Called by each subscription when it ends. */
  leave(): void {
    if (--this.#subscriptions === 0) this.#stop();
  }

  async next(request: PageRequest, signal: AbortSignal): Promise<Page | null> {
    while (!signal.aborted) {
      // Between looking at the tail and waiting for it nothing else runs, so no change is missed.
      const live = this.#tail?.page(request.after, request.limit);
      if (live && isNews(live, request)) return live;
      if (live || (this.#tail && request.after > this.#tail.through)) {
        await this.#change(signal);
        continue;
      }
      const read = await this.#options.source.page(request.after, request.limit, signal);
      if (!read) return null;
      const page = toPage(read, request.after);
      // Live from here on, even where there was news: under load there always is.
      if (page.isHead) this.#start(page.through);
      if (isNews(page, request)) return page;
    }
    return null;
  }

  #start(from: Position): void {
    if (this.#tail || this.#subscriptions === 0) return;
    this.#loop = new AbortController();
    const tail = new Tail(from);
    this.#tail = tail;
    this.#extend(tail, this.#loop.signal).catch((error) => {
      // Each subscription meets the error itself when it reads its own page.
      this.#options.onFailure(error);
      if (this.#tail === tail) this.#stop();
    });
  }

  #stop(): void {
    this.#loop.abort();
    this.#tail = undefined;
    this.#wakeAll();
  }

  async #extend(tail: Tail, signal: AbortSignal): Promise<void> {
    for await (const page of this.#options.source.feed(tail.through, signal)) {
      if (signal.aborted) return;
      tail.add(page.entries, page.isHead);
      this.#wakeAll();
    }
  }

  /** A change of the tail, or the end of the subscription. */
  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  #wakeAll(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

function toPage({ entries, isHead }: LogPage, after: Position): Page {
  const events: StoredEvent[] = entries.map(({ event }) => event);
  return { events, through: events.at(-1)?.position ?? after, isHead };
}
