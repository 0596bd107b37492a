/** The newest events of the log, read once for all caught-up subscriptions of a process. */
import type { Position, StoredEvent } from './port.ts';
import type { Page } from './subscription.ts';

const BOUNDS = { events: 4_096, bytes: 16 * 1024 * 1024 };

/** An event with its size as text. */
export interface TailEvent {
  readonly event: StoredEvent;
  readonly bytes: number;
}

/**
 * A bounded run of events without a hole: all of the log after `from`, up to `through`. Adding beyond the bounds drops
 * the oldest, so `from` moves.
 */
export class Tail {
  #entries: TailEvent[] = [];
  #bytes = 0;
  #from: Position;
  #through: Position;
  #isHead = true;

  readonly #bounds: typeof BOUNDS;

  /** An empty tail; nothing followed `from` when it was last looked. */
  constructor(from: Position, bounds = BOUNDS) {
    this.#bounds = bounds;
    this.#from = from;
    this.#through = from;
  }

  get through(): Position {
    return this.#through;
  }

  /** Adds what follows `through`. `isHead`: nothing followed it when it was read. */
  add(entries: readonly TailEvent[], isHead: boolean): void {
    for (const entry of entries) this.#bytes += entry.bytes;
    this.#entries.push(...entries);
    this.#through = entries.at(-1)?.event.position ?? this.#through;
    this.#isHead = isHead;
    this.#trim();
  }

  /** At most `limit` events after `after`; null where the tail does not reach that far back, or not that far yet. */
  page(after: Position, limit: number): Page | null {
    if (after < this.#from || after > this.#through) return null;
    const start = this.#indexAfter(after);
    const entries = this.#entries.slice(start, start + limit);
    const through =
      start + limit < this.#entries.length ? (entries.at(-1)?.event.position ?? after) : this.#through;
    return {
      events: entries.map((entry) => entry.event),
      through,
      isHead: this.#isHead && through === this.#through,
    };
  }

  #indexAfter(after: Position): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.event.position ?? '') <= after) low = middle + 1;
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
      this.#from = entry.event.position;
      dropped++;
    }
    this.#entries = this.#entries.slice(dropped);
  }
}
