/** Reads of the whole log, in the order of positions. */
import type { LogPage } from '../live.ts';
import type { Position } from '../port.ts';
import { parsePosition } from '../position.ts';
import type { TailEvent } from '../tail.ts';
import type { ReadPool } from './read-pool.ts';
import { COLUMNS, type EventRow, textQuery, toEvent } from './rows.ts';

/** A page ends with the event that reaches this size, whatever its limit. */
const MAX_PAGE_BYTES = 8 * 1024 * 1024;

/** `bytes` is the size up to and including the event; sizes are known without reading what is stored out of line. */
const PAGE = `
  select ${COLUMNS}, event.bytes
  from (
    select candidate.*, octet_length(data) + octet_length(metadata) as size,
      sum(octet_length(data) + octet_length(metadata)) over (order by position rows unbounded preceding) as bytes
    from (select * from event_store.events where position > $1 order by position limit $2) candidate
  ) event
  where event.bytes - event.size < ${MAX_PAGE_BYTES}
  order by event.position
`;

/** Reads pages of the log and its head. Errors are those of pg. */
export class LogReader {
  readonly #pool: ReadPool;
  readonly #log: string;

  constructor(pool: ReadPool, log: string) {
    this.#pool = pool;
    this.#log = log;
  }

  /** At most `limit` events after `after`. Events become visible in the order of their positions, so none is missed. */
  async page(after: Position, limit: number): Promise<LogPage> {
    const query = textQuery('event_store_page', PAGE, [parsePosition(this.#log, after), limit]);
    const rows = await this.#pool.query<EventRow>(query);
    let before = 0;
    const entries = rows.map((row): TailEvent => {
      const bytes = Number(row[7]) - before;
      before += bytes;
      return { event: toEvent(this.#log, row), bytes };
    });
    return { entries, isHead: rows.length < limit && before < MAX_PAGE_BYTES };
  }

  /** The number of the last event, 0 where there is none, as the server has it now. */
  async head(): Promise<number> {
    const query = textQuery('event_store_head', 'select head from event_store.log', []);
    const rows = await this.#pool.query<[string]>(query);
    return Number(rows[0]?.[0]);
  }
}
