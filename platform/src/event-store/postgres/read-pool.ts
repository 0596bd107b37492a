import type pg from 'pg';
import { EventStoreUnavailable } from '../port.ts';

/**
 * The connections that a store reads through. Closing waits for the statements under way, since a pool that is ended
 * forgets those who wait for a connection.
 */
export class ReadPool {
  readonly #pool: pg.Pool;
  readonly #running = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** The rows of a statement. Throws {@link EventStoreUnavailable} once closed; other errors are pg's. */
  async query<Row extends readonly string[]>(query: pg.QueryArrayConfig): Promise<Row[]> {
    if (this.#isClosed) throw new EventStoreUnavailable('the event store is closed');
    const running = this.#pool.query<Row>(query);
    this.#running.add(running);
    try {
      return (await running).rows;
    } finally {
      this.#running.delete(running);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#running);
    await this.#pool.end();
  }
}
