/** The newest events of the log, read once for all caught-up subscriptions of a process. */
import type { StoredEvent } from '../port.ts';
import type { Page } from '../subscription.ts';

const BOUNDS = { events: 4_096, bytes: 16 * 1024 * 1024 };

/** An event with its number in the log and its size as text. */
export interface TailEvent {
  readonly event: StoredEvent;
  readonly number: number;
  readonly bytes: number;
}

/**
 * A bounded run of events without a hole: all of the log after `from`, up to `through`. Adding beyond the bounds drops
 * the oldest, so `from` moves.
 */
export class Tail {
  #entries: TailEvent[] = [];
  #bytes = 0;
  #from: number;
  #through: number;
  #isHead = true;

  readonly #bounds: typeof BOUNDS;

  /** An empty tail; nothing followed `from` when it was last looked. */
  constructor(from: number, bounds = BOUNDS) {
    this.#bounds = bounds;
    this.#from = from;
    this.#through = from;
  }

  get through(): number {
    return this.#through;
  }

  /** Adds what follows `through`. `isHead`: nothing followed it when it was read. */
  add(entries: readonly TailEvent[], isHead: boolean): void {
    for (const entry of entries) this.#bytes += entry.bytes;
    this.#entries.push(...entries);
    this.#through = entries.at(-1)?.number ?? this.#through;
    this.#isHead = isHead;
    this.#trim();
  }

  /** At most `limit` events after `after`; null where the tail does not reach that far back, or not that far yet. */
  page(after: number, limit: number): Page | null {
    if (after < this.#from || after > this.#through) return null;
    const start = this.#indexAfter(after);
    const entries = this.#entries.slice(start, start + limit);
    const through = start + limit < this.#entries.length ? (entries.at(-1)?.number ?? after) : this.#through;
    return {
      events: entries.map((entry) => entry.event),
      through,
      isHead: this.#isHead && through === this.#through,
    };
  }

  #indexAfter(after: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.number ?? 0) <= after) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Drops down to three quarters of the bounds at once, so that adding an event does not move all others. */
  #trim(): void {
    const { events, bytes } = this.#bounds;
    if (this.#entries.length <= events && this.#bytes <= bytes) return;
    let dropped = 0;
    for (const entry of this.#entries) {
      const left = this.#entries.length - dropped;
      if (left <= (events * 3) / 4 && this.#bytes <= (bytes * 3) / 4) break;
      this.#bytes -= entry.bytes;
      this.#from = entry.number;
      dropped++;
    }
    this.#entries = this.#entries.slice(dropped);
  }
}
