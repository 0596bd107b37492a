/**
 * Who has read which article within the last hour, by keyed hashes of readers: shared by all replicas, forgotten after
 * the hour, and not written to disk before the answer (a crash of the database forgets it all, which may count twice).
 */
import type { Pool } from 'pg';

/** Somebody read an article. */
export interface Reading {
  readonly articleId: string;
  /** A keyed hash. */
  readonly reader: string;
}

export interface ReadingTable {
  /** Remembers readings; gives the article of each whose reader had not read it within the hour. */
  admit(readings: readonly Reading[]): Promise<readonly string[]>;
  /** Forgets what is older than an hour. */
  sweep(): Promise<void>;
}

/** Sorted, so that replicas that remember the same readings don't wait for each other in a circle. */
const ADMIT = `
  insert into command_api.readings as known (article_id, reader)
  select * from unnest($1::uuid[], $2::text[]) as read (article_id, reader) order by 1, 2
  on conflict (article_id, reader) do update set read_at = now()
    where known.read_at <= now() - interval '1 hour'
  returning article_id`;

export function createReadingTable(pool: Pick<Pool, 'query'>): ReadingTable {
  return {
    async admit(readings) {
      const { rows } = await pool.query<{ article_id: string }>(ADMIT, [
        readings.map(({ articleId }) => articleId),
        readings.map(({ reader }) => reader),
      ]);
      return rows.map(({ article_id }) => article_id);
    },
    async sweep() {
      await pool.query(`delete from command_api.readings where read_at <= now() - interval '1 hour'`);
    },
  };
}
