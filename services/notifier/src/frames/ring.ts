/**
 * The newest lines of all channels, in memory: what a socket that was away for a moment, or that waited for a check,
 * is brought up to date from. It holds every line after {@link Ring.start} and none before it.
 */
import type { Position } from '@annals/platform/event-store/port';

/** One line to the followers of one channel. */
export interface PushLine {
  readonly channel: string;
  readonly position: Position;
  /** JSON without a line feed. */
  readonly frame: string;
  /** Whether the channel's followers are to be checked before they see anything after it. */
  readonly changesVisibility: boolean;
}

/** Upper bounds; the oldest lines go first. */
export interface RingLimits {
  readonly lines: number;
  /** UTF-16 units of the lines together. */
  readonly size: number;
}

/** A queue of lines whose head moves without copying each time. */
interface Queue {
  lines: PushLine[];
  head: number;
}

export class Ring {
  readonly #limits: RingLimits;
  readonly #all: Queue = { lines: [], head: 0 };
  readonly #byChannel = new Map<string, Queue>();
  #size = 0;
  #start: Position;

  /** An empty ring that begins after `start`. */
  constructor(start: Position, limits: RingLimits) {
    this.#start = start;
    this.#limits = limits;
  }

  /** Everything after this position is here. */
  get start(): Position {
    return this.#start;
  }

  /** Adds a line; positions never fall. */
  push(line: PushLine): void {
    this.#all.lines.push(line);
    const queue = this.#byChannel.get(line.channel);
    if (queue) queue.lines.push(line);
    else this.#byChannel.set(line.channel, { lines: [line], head: 0 });
    this.#size += line.frame.length;
    while (this.#all.lines.length - this.#all.head > this.#limits.lines || this.#size > this.#limits.size)
      this.#drop();
  }

  /** Whether every line after `position` is still here. */
  covers(position: Position): boolean {
    return position >= this.#start;
  }

  /** The channel's lines after `position`, oldest first, `limit` at most; null where some of them are gone. */
  after(channel: string, position: Position, limit: number): readonly PushLine[] | null {
    if (!this.covers(position)) return null;
    const queue = this.#byChannel.get(channel);
    if (!queue) return [];
    const first = firstAfter(queue, position);
    return queue.lines.slice(first, first + limit);
  }

  #drop(): void {
    const oldest = shift(this.#all);
    if (!oldest) return;
    this.#size -= oldest.frame.length;
    this.#start = oldest.position;
    const queue = this.#byChannel.get(oldest.channel);
    if (!queue) return;
    shift(queue);
    if (queue.head === queue.lines.length) this.#byChannel.delete(oldest.channel);
  }
}

function shift(queue: Queue): PushLine | undefined {
  const line = queue.lines[queue.head];
  if (!line) return undefined;
  queue.head += 1;
  // Copying only once half of the array is dead keeps each step at constant cost on average.
  if (queue.head > 32 && queue.head * 2 > queue.lines.length) {
    queue.lines = queue.lines.slice(queue.head);
    queue.head = 0;
  }
  return line;
}

function firstAfter(queue: Queue, position: Position): number {
  let low = queue.head;
  let high = queue.lines.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const line = queue.lines[middle];
    if (line && line.position > position) high = middle;
    else low = middle + 1;
  }
  return low;
}
