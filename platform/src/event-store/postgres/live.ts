/** Where subscriptions get their pages: the shared tail where it reaches, the server otherwise. */
import type { Position } from '../port.ts';
import { formatPosition } from '../position.ts';
import { isNews, type Page, type PageRequest, type PageSource } from '../subscription.ts';
import type { LogReader } from './log-reader.ts';
import { retrying } from './retry.ts';
import { Tail } from './tail.ts';

const TAIL_PAGE = 1_000;
/** Notifications are hints: without one, the log is looked at this often. */
const POLL_MS = 1_000;

export interface LiveOptions {
  readonly log: string;
  readonly reader: Pick<LogReader, 'page'>;
  /** Hears of failures that are retried. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * All subscriptions of a store. The first one that has caught up starts one loop that reads what is new into a shared,
 * bounded tail; the loop ends with the last subscription. A subscription behind the tail reads pages of its own.
 */
export class LivePages implements PageSource {
  readonly #options: LiveOptions;
  readonly #waiting = new Set<() => void>();
  #subscriptions = 0;
  #tail: Tail | undefined;
  #loop = new AbortController();
  /** The newest head announced; infinite where announcements may have been lost. */
  #announced = 0;
  #wakeLoop: () => void = () => {};

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  position(number: number): Position {
    return formatPosition(this.#options.log, number);
  }

  /** Called by each subscription when it begins. */
  enter(): void {
    this.#subscriptions++;
  }

  /** Called by each subscription when it ends. */
  leave(): void {
    if (--this.#subscriptions === 0) this.#stop();
  }

  /** Says that the head may have moved, to `head` where that is known. */
  notify(head = Number.POSITIVE_INFINITY): void {
    this.#announced = Math.max(this.#announced, head);
    if (this.#tail && this.#announced > this.#tail.through) this.#wakeLoop();
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
      const page = await this.#read(request, signal);
      // Live from here on, even where there was news: under load there always is.
      if (page?.isHead) this.#start(page.through);
      if (page && isNews(page, request)) return page;
    }
    return null;
  }

  async #read(request: PageRequest, signal: AbortSignal): Promise<Page | null> {
    const { reader } = this.#options;
    const page = await this.#patiently(() => reader.page(request.after, request.limit), signal);
    if (!page) return null;
    const through = page.entries.at(-1)?.number ?? request.after;
    return { events: page.entries.map((entry) => entry.event), through, isHead: page.isHead };
  }

  #start(from: number): void {
    if (this.#tail || this.#subscriptions === 0) return;
    this.#loop = new AbortController();
    const tail = new Tail(from);
    this.#tail = tail;
    this.#extend(tail, this.#loop.signal).catch((error) => {
      // Each subscription meets the error itself when it reads its own page.
      this.#options.onFailure(error);
      this.#stop();
    });
  }

  #stop(): void {
    this.#loop.abort();
    this.#tail = undefined;
    this.#wakeAll();
  }

  async #extend(tail: Tail, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#announced === Number.POSITIVE_INFINITY) this.#announced = 0;
      const page = await this.#patiently(() => this.#options.reader.page(tail.through, TAIL_PAGE), signal);
      if (!page || signal.aborted) return;
      tail.add(page.entries, page.isHead);
      this.#wakeAll();
      if (page.isHead && this.#announced <= tail.through) await this.#notification(signal);
    }
  }

  /** A notification, the poll's time, or the end of the loop, whichever comes first. */
  #notification(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(poll);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const poll = setTimeout(wake, POLL_MS);
      signal.addEventListener('abort', wake);
      this.#wakeLoop = wake;
    });
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

  /** Outlasts any absence of the server; null once `signal` is aborted. */
  async #patiently<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result | null> {
    try {
      const onRetry = this.#options.onFailure;
      return await retrying(work, { patienceMs: Number.POSITIVE_INFINITY, signal, onRetry });
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
  }
}
