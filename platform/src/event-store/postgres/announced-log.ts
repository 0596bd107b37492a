/** The whole log in PostgreSQL, read in pages; announcements tell when to look for the next one. */
import { isTransient } from '../../postgres/errors.ts';
import type { LogPage, LogSource } from '../live.ts';
import type { Position } from '../port.ts';
import { patiently } from '../retry.ts';
import type { LogReader } from './log-reader.ts';

const FEED_PAGE = 1_000;
/** Announcements are hints: without one, the log is looked at this often. */
const POLL_MS = 1_000;

export interface AnnouncedLogOptions {
  readonly reader: Pick<LogReader, 'page'>;
  /** Hears of failures that are retried. */
  readonly onFailure: (error: unknown) => void;
}

/** How far a feed has read, and what wakes it while it waits. */
interface Feed {
  through: Position;
  wake: () => void;
}

/** What a store's subscriptions read from. One feed at a time hears announcements: the newest. */
export class AnnouncedLog implements LogSource {
  readonly #options: AnnouncedLogOptions;
  /** Of a former one a page can still be on its way: it has a place of its own. */
  #feed: Feed | undefined;
  /** The newest head announced; 'unknown' where announcements may have been lost. */
  #announced: Position | 'unknown' = '';

  constructor(options: AnnouncedLogOptions) {
    this.#options = options;
  }

  /** Says that the head may have moved, to `head` where that is known. */
  notify(head?: Position): void {
    if (head === undefined) this.#announced = 'unknown';
    else if (this.#announced !== 'unknown' && head > this.#announced) this.#announced = head;
    if (this.#feed && this.#hasNews(this.#feed)) this.#feed.wake();
  }

  page(after: Position, limit: number, signal: AbortSignal): Promise<LogPage | null> {
    const { reader, onFailure: onRetry } = this.#options;
    return patiently(() => reader.page(after, limit), { isTransient, signal, onRetry });
  }

  async *feed(from: Position, signal: AbortSignal): AsyncGenerator<LogPage, void, undefined> {
    const feed: Feed = { through: from, wake: () => {} };
    this.#feed = feed;
    while (!signal.aborted) {
      if (this.#announced === 'unknown') this.#announced = '';
      const page = await this.page(feed.through, FEED_PAGE, signal);
      if (!page) return;
      feed.through = page.entries.at(-1)?.event.position ?? feed.through;
      yield page;
      if (page.isHead && !this.#hasNews(feed)) await this.#notification(feed, signal);
    }
  }

  #hasNews({ through }: Feed): boolean {
    return this.#announced === 'unknown' || this.#announced > through;
  }

  /** A notification, the poll's time, or the end of the feed, whichever comes first. */
  #notification(feed: Feed, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(poll);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const poll = setTimeout(wake, POLL_MS);
      signal.addEventListener('abort', wake);
      feed.wake = wake;
    });
  }
}
