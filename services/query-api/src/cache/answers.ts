/**
 * Answers that are kept for callers who ask the same again [X5]: all who are not signed in share theirs, anybody else has
 * their own. One may answer as long as the views that it was made of are where they were when it was read, and not a moment
 * longer; what was read before a view moved on and comes in after that is never given. Bounded by bytes: what was not asked
 * for longest goes first.
 */
import type { Basis, Coherence } from '@annals/platform/consumer/coherence';
import type { KeptAnswer } from '@annals/platform/http/kept-answers';
import type { Caller } from '@annals/platform/http/types';
import { LRUCache } from 'lru-cache';
import { Counter, Gauge, type Registry } from 'prom-client';

export interface NewAnswer {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly basis: Basis;
  /** It depends on the time, and holds until then; in milliseconds since 1970. */
  readonly until?: number | undefined;
}

export interface Answers {
  /**
   * The answer to a GET of `url`, as the client wrote it, that reflects all that the views are known to hold, and the log up to
   * `minPosition`.
   */
  recall(caller: Caller, url: string, minPosition: string | undefined): KeptAnswer | undefined;
  /** Keeps an answer for callers with the same id and permissions, unless it is too large. */
  keep(caller: Caller, url: string, answer: NewAnswer): void;
}

interface Entry extends KeptAnswer {
  readonly basis: Basis;
  readonly until: number;
  /** Of the coherence, when `position` was found. */
  version: number;
  position: string;
}

export interface AnswersOptions {
  readonly coherence: Coherence;
  /** Of bodies, headers and addresses together; 0: nothing is kept. */
  readonly maxBytes: number;
  readonly metrics: Registry;
}

/** An answer may take this part of all that is kept. */
const MAX_SHARE = 0.05;
/** What an entry takes besides its texts, about. */
const ENTRY_BYTES = 3_000;
/** `<log id>.<digits>`: as far as this positions of one log are alike. */
const LOG_LENGTH = 9;

export function createAnswers({ coherence, maxBytes, metrics }: AnswersOptions): Answers {
  if (maxBytes === 0) return { recall: () => undefined, keep: () => undefined };
  const entries = new LRUCache<string, Entry>({
    maxSize: maxBytes,
    maxEntrySize: Math.ceil(maxBytes * MAX_SHARE),
    sizeCalculation: ({ body }, key) => body.length + 2 * key.length + ENTRY_BYTES,
  });
  const { hits, misses } = countersIn(metrics, entries);

  const isCurrent = (entry: Entry): boolean => {
    if (!coherence.isSure || entry.until <= Date.now()) return false;
    if (entry.version === coherence.version) return true;
    const { version } = coherence;
    const position = coherence.reflects(entry.basis);
    if (position === null) return false;
    entry.version = version;
    entry.position = position;
    return true;
  };

  return {
    recall(caller, url, minPosition) {
      const entry = entries.get(keyOf(caller, url));
      if (!entry) return undefined;
      if (!isCurrent(entry)) return undefined;
      if (minPosition !== undefined && !isReached(entry.position, minPosition)) return undefined;
      hits.inc();
      return entry;
    },
    keep(caller, url, { body, headers, basis, until = Number.POSITIVE_INFINITY }) {
      misses.inc();
      const { 'annals-position': position = basis.position, ...fixed } = headers;
      entries.set(keyOf(caller, url), {
        body: Buffer.from(body),
        headers: fixed,
        basis,
        until,
        version: -1,
        position,
      });
    },
  };
}

/** What an answer depends on besides the views. Whoever gains or loses a permission is somebody else. */
function keyOf(caller: Caller, url: string): string {
  if (caller.kind === 'anonymous') return url;
  const who = caller.kind === 'user' ? `${caller.userId} ${[...caller.permissions].sort()}` : caller.name;
  return `${who} ${url}`;
}

/** True where `position` is at or past `wanted`, which is one of the same log as far as anyone can tell here. */
function isReached(position: string, wanted: string): boolean {
  return (
    wanted.length === position.length &&
    wanted.slice(0, LOG_LENGTH) === position.slice(0, LOG_LENGTH) &&
    wanted <= position
  );
}

function countersIn(metrics: Registry, entries: LRUCache<string, Entry>) {
  const registers = [metrics];
  new Gauge({
    name: 'annals_query_cache_bytes',
    help: 'What kept answers take',
    registers,
    collect() {
      this.set(entries.calculatedSize);
    },
  });
  return {
    hits: new Counter({
      name: 'annals_query_cache_hits_total',
      help: 'Requests answered with a kept answer',
      registers,
    }),
    misses: new Counter({
      name: 'annals_query_cache_misses_total',
      help: 'Answers that were made, and then kept',
      registers,
    }),
  };
}
