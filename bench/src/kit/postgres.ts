/** PostgreSQL for measurements: the real server, durable, with the settings of a production machine. */
import { randomBytes } from 'node:crypto';
import { freePorts } from '@annals/cli/local/free-port';
import { startPostgres } from '@annals/cli/local/postgres-server';
import pg from 'pg';

export interface BenchPostgres {
  /** Of the database `postgres`. */
  readonly url: string;
  /** As the server says it, e.g. `18.4`. */
  readonly version: string;
  readonly pid: number;
  /** A fresh, empty database; gives its URL. */
  database(): Promise<string>;
  stop(): Promise<void>;
}

export const productionLike: Readonly<Record<string, string>> = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '512MB',
  max_wal_size: '8GB',
  max_connections: '300',
};

/** Starts a server in `dataFolder`; `settings` have the last word. */
export async function startBenchPostgres(
  dataFolder: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<BenchPostgres> {
  const [port = 0] = await freePorts(1);
  const server = await startPostgres({
    dataFolder,
    port,
    password: 'bench',
    settings: { ...productionLike, ...settings },
  });
  return {
    url: server.url,
    version: await versionOf(server.url),
    pid: server.pid,
    database: async () => {
      const name = `bench_${randomBytes(6).toString('hex')}`;
      await withClient(server.url, (client) => client.query(`create database ${name} template template0`));
      const url = new URL(server.url);
      url.pathname = name;
      return url.href;
    },
    stop: () => server.stop(),
  };
}

/** Does `work` on a connection of its own. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function versionOf(url: string): Promise<string> {
  const { rows } = await withClient(url, (client) =>
    client.query<{ server_version: string }>('show server_version'),
  );
  return rows[0]?.server_version ?? 'unknown';
}
