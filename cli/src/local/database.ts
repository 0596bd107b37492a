/** The stack's database within the embedded server. */
import pg from 'pg';

const NAME = 'annals';

/** Creates the database where it is missing; returns its URL. `serverUrl` is that of the database `postgres`. */
export async function ensureDatabase(serverUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [NAME]);
    if (found.rowCount === 0) await client.query(`create database ${NAME}`);
  } finally {
    await client.end();
  }
  const url = new URL(serverUrl);
  url.pathname = NAME;
  return url.href;
}
