import pg from 'pg';
import { timed } from '../telemetry/query-time.ts';

export interface PoolOptions {
  /** `postgres://…` */
  readonly url: string;
  /** Shown in `pg_stat_activity`. */
  readonly application: string;
  /** Connections at most. Default 10. */
  readonly max?: number;
  /** The server cancels a statement after this long. Default 30 s. */
  readonly statementTimeoutMs?: number;
  /** A connection without an answer for this long is given up, which is transient. Default: never. */
  readonly answerTimeoutMs?: number;
  /** Statements of one connection are sent without waiting for the answers of those before. Default false. */
  readonly pipeline?: boolean;
  /** Settings of the sessions, e.g. `{ plan_cache_mode: 'force_generic_plan' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Whether its statements count as a request's own. Default true; false where one statement serves many. */
  readonly isTimed?: boolean;
}

/**
 * A pool of connections. A connection that dies, idle or in use, is discarded and never crashes the process: the
 * statement on it fails (see `isTransient`), the next one gets a new connection.
 */
export function createPool(options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    ...connectionConfig(options),
    max: options.max ?? 10,
    idleTimeoutMillis: 30_000,
    ...(options.isTimed === false ? {} : { Client: TimedClient }),
  });
  if (options.isTimed !== false) {
    const query = pool.query.bind(pool) as (...asked: unknown[]) => Promise<unknown>;
    pool.query = ((...asked: unknown[]) => timed(() => query(...asked))) as typeof pool.query;
  }
  // Without listeners Node would take the loss of a connection for a crash. Whoever uses it learns of it anyway.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** Connections that are used by themselves. What a pool asks of them comes with a callback, and is timed there. */
class TimedClient extends pg.Client {
  override query(...asked: unknown[]): never {
    const ask = super.query.bind(this) as (...asked: unknown[]) => unknown;
    const isOfPool = typeof asked.at(-1) === 'function' || typeof Object(asked[0]).submit === 'function';
    return (isOfPool ? ask(...asked) : timed(() => ask(...asked) as Promise<unknown>)) as never;
  }
}

/** Our statements are short; the server overestimates some of them and would compile these at every execution. */
const defaults = { jit: 'off' };

/** The settings that all our connections share, pooled or not. */
export function connectionConfig(options: PoolOptions): pg.ClientConfig {
  return {
    connectionString: options.url,
    application_name: options.application,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    statement_timeout: options.statementTimeoutMs ?? 30_000,
    idle_in_transaction_session_timeout: 30_000,
    ...(options.answerTimeoutMs ? { query_timeout: options.answerTimeoutMs } : {}),
    pipeline: options.pipeline ?? false,
    options: Object.entries({ ...defaults, ...options.settings })
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
  };
}
