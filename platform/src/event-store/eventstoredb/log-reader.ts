/** Reads of the whole log of EventStoreDB, in the order of positions, without the server's own events. */
import { BACKWARDS, END, FORWARDS, type ReadAllOptions, START } from '@eventstore/db-client';
import type { LogPage } from '../live.ts';
import type { Position, StoredEvent } from '../port.ts';
import type { TailEvent } from '../tail.ts';
import { collect } from './collect.ts';
import type { Connection } from './connection.ts';
import { isOfSystem, placeOf, type Recorded, recordOf, toStoredEvent } from './events.ts';
import { isBefore, type Place, parsePlace, printPlace, START_PLACE } from './places.ts';

/** A page ends with the event that reaches this size, whatever its limit. */
const MAX_PAGE_BYTES = 8 * 1024 * 1024;
/** What a look backwards for an event that is ours begins with; each further look takes eight times as many. */
const FIRST_LOOK = 4;
const LARGEST_LOOK = 4_096;

export interface LogReaderOptions {
  readonly connection: Connection;
  readonly log: string;
  /** Default 10,000 ms. */
  readonly answerMs?: number | undefined;
}

/** A stretch of the log that holds nothing of ours. */
interface Barren {
  /** The last event of ours before it. */
  readonly from: Position;
  readonly to: Place;
}

export class LogReader {
  readonly #options: LogReaderOptions;
  /** The newest stretch that was searched in vain: it is not searched again. */
  #barren: Barren;

  constructor(options: LogReaderOptions) {
    this.#options = options;
    this.#barren = { from: this.start, to: START_PLACE };
  }

  /** The position before the first event. */
  get start(): Position {
    return printPlace(this.#options.log, START_PLACE);
  }

  /** At most `limit` events after `after`. */
  async page(after: Position, limit: number): Promise<LogPage> {
    const { log } = this.#options;
    const entries: TailEvent[] = [];
    let bytes = 0;
    let through = after;
    let from = this.#barren.from === after ? this.#barren.to : parsePlace(log, after);
    for (;;) {
      // One more, since the read begins with the event at `from`.
      const wanted = limit - entries.length + 1;
      let seen = 0;
      await this.#scan(from, wanted, (record) => {
        seen++;
        from = placeOf(record);
        if (entries.length === limit || isOfSystem(record) || printPlace(log, from) <= through) return true;
        const event = toStoredEvent(log, record);
        const size = sizeOf(event);
        entries.push({ event, bytes: size });
        through = event.position;
        bytes += size;
        return bytes < MAX_PAGE_BYTES;
      });
      if (entries.length === limit || bytes >= MAX_PAGE_BYTES) return { entries, isHead: false };
      if (seen === wanted) continue;
      this.#learn({ from: through, to: from });
      return { entries, isHead: true };
    }
  }

  /** The position that the newest `count` events follow, as the server has it now; {@link start} where there are fewer. */
  async beforeNewest(count: number): Promise<Position> {
    const { log } = this.#options;
    const { from: known, to } = this.#barren;
    const searched = printPlace(log, to);
    let newest: Place | undefined;
    let found: Position | undefined;
    let before: Place | undefined;
    let left = count;
    for (let look = Math.max(FIRST_LOOK, count + 1); ; look = Math.min(look * 8, LARGEST_LOOK)) {
      let seen = 0;
      await this.#scanBack(before, look, (record) => {
        seen++;
        before = placeOf(record);
        newest ??= before;
        const position = printPlace(log, before);
        if (found !== undefined) return true;
        if (!isOfSystem(record) && left-- === 0) found = position;
        else if (count === 0 && position <= searched) found = known;
        return true;
      });
      if (found === undefined && seen === look) continue;
      const result = found ?? this.start;
      if (count === 0 && newest) this.#learn({ from: result, to: newest });
      return result;
    }
  }

  #learn(barren: Barren): void {
    if (isBefore(this.#barren.to, barren.to)) this.#barren = barren;
  }

  /** Calls `take` with up to `count` records from `from` on, its own included, until it returns false. */
  #scan(from: Place, count: number, take: (record: Recorded) => boolean): Promise<void> {
    const isStart = !isBefore(START_PLACE, from);
    return this.#collect(
      { direction: FORWARDS, maxCount: count, fromPosition: isStart ? START : from },
      take,
    );
  }

  /** The same backwards from before `before`, or from the end. */
  #scanBack(before: Place | undefined, count: number, take: (record: Recorded) => boolean): Promise<void> {
    return this.#collect({ direction: BACKWARDS, maxCount: count, fromPosition: before ?? END }, take);
  }

  async #collect(options: ReadAllOptions, take: (record: Recorded) => boolean): Promise<void> {
    const { connection, answerMs } = this.#options;
    const { client } = connection;
    try {
      const read = client.readAll({ ...options, requiresLeader: true });
      await collect(read, (event) => take(recordOf(event)), answerMs);
    } catch (error) {
      connection.failed(client, error);
      throw error;
    }
  }
}

/** About what the event takes in memory. */
export function sizeOf(event: StoredEvent): number {
  return JSON.stringify(event.data).length + JSON.stringify(event.metadata).length;
}
