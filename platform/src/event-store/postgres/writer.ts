/** The one connection of a process that appends. */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Logger } from 'pino';
import { type CorkedClient, createCorkedClient } from '../../postgres/corked-client.ts';
import { connectionConfig } from '../../postgres/pool.ts';
import { EventStoreUnavailable } from '../port.ts';

/** The server gives up on a statement after this long; the client on an answer a little later. */
const STATEMENT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 12_000;
const FENCE_TIMEOUT_MS = 5_000;
/** A connection that hangs says no goodbye. */
const GOODBYE_MS = 1_000;

interface Backend {
  readonly pid: number;
  readonly started: string;
}

/**
 * Keeps one pipelined connection, opened when it is first needed and again after it was lost. A lost connection may
 * have left its backend at work on what it was sent: before another one is used, that backend is ended, so that
 * nothing of an earlier attempt can happen after a later one has looked.
 */
export class WriterConnection {
  readonly #config: pg.ClientConfig;
  readonly #logger: Logger | undefined;
  #connection: CorkedClient | undefined;
  #backend: Backend | undefined;

  constructor(options: { url: string; application: string; logger?: Logger | undefined }) {
    const timeouts = { statementTimeoutMs: STATEMENT_TIMEOUT_MS, answerTimeoutMs: ANSWER_TIMEOUT_MS };
    this.#config = {
      ...connectionConfig({ ...options, ...timeouts, pipeline: true }),
      // A process that is stopped in the middle of a batch holds the lock that every other one waits for.
      idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
    };
    this.#logger = options.logger;
  }

  /** The connection; opens it where there is none. Rejects where the server is away. */
  async connection(): Promise<CorkedClient> {
    if (this.#connection) return this.#connection;
    const connection = createCorkedClient(this.#config);
    const { client } = connection;
    client.on('error', (error) => this.#logger?.warn({ err: error }, 'the appending connection was lost'));
    client.on('end', () => {
      if (this.#connection === connection) this.#connection = undefined;
    });
    try {
      await client.connect();
      if (this.#backend) await this.#end(client, this.#backend);
      this.#backend = await identify(client);
    } catch (error) {
      void end(client);
      throw error;
    }
    this.#connection = connection;
    return connection;
  }

  /** Gives the connection up, e.g. because what happened on it is not known; the next use opens another. */
  async discard(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection) await end(connection.client);
  }

  async #end(client: pg.Client, { pid, started }: Backend): Promise<void> {
    const { rows } = await client.query<{ is_over: boolean }>(
      `select pg_terminate_backend(pid, $3) as is_over from pg_stat_activity
       where pid = $1 and backend_start = $2::timestamptz`,
      [pid, started, FENCE_TIMEOUT_MS],
    );
    if (rows.some((row) => !row.is_over))
      throw new EventStoreUnavailable('a lost connection of the event store is still at work');
    this.#backend = undefined;
  }
}

/** Ends a connection; one that does not end by itself is cut. */
async function end(client: pg.Client): Promise<void> {
  await Promise.race([client.end().catch(() => {}), sleep(GOODBYE_MS, undefined, { ref: false })]);
  client.connection.stream.destroy();
}

async function identify(client: pg.Client): Promise<Backend> {
  const { rows } = await client.query<Backend>(
    'select pid, backend_start::text as started from pg_stat_activity where pid = pg_backend_pid()',
  );
  const [backend] = rows;
  if (!backend) throw new Error('the server does not list its own connection');
  return backend;
}
