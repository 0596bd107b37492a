/** What most programs do: one durable INSERT per event, each on a connection of a pool. */
import pg from 'pg';
import { appendFor } from './append-load.ts';

const TABLE = `create table singles (
  position bigint generated always as identity primary key, stream text collate "C" not null,
  revision integer not null, id uuid not null, type text not null, data text not null, metadata text not null,
  unique (stream, revision))`;
const INSERT = `insert into singles (stream, revision, id, type, data, metadata) values ($1, $2, $3, $4, $5, $6)`;

/** A table of its own, and `connections` connections. */
export async function openSingles(
  url: string,
  connections: number,
): Promise<{
  rate(ms: number): Promise<number>;
  close(): Promise<void>;
}> {
  const pool = new pg.Pool({ connectionString: url, max: connections, min: connections });
  await pool.query(TABLE);
  const insert = (
    stream: string,
    expected: number,
    event: { id: string; type: string; data: unknown; metadata: unknown },
  ) =>
    pool.query({
      name: 'single',
      text: INSERT,
      values: [
        stream,
        expected + 1,
        event.id,
        event.type,
        JSON.stringify(event.data),
        JSON.stringify(event.metadata),
      ],
    });
  await Promise.all(Array.from({ length: connections }, () => pool.query('select pg_sleep(0.2)')));
  return {
    async rate(ms) {
      const { appended, seconds } = await appendFor(ms, connections, insert);
      return appended / seconds;
    },
    close: () => pool.end(),
  };
}
