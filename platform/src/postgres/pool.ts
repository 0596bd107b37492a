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
  /**
   * A connection without an answer for this long is given up, which is transient: its server may be gone without a
   * word. Default: 5 s after the server should have cancelled the statement. Null: never, where somebody else watches.
   */
  readonly answerTimeoutMs?: number | null;
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

const DAY_MS = 24 * 60 * 60_000;

/** A statement whose answer may take as long as it does; `statement_timeout` is the session's own matter. */
export function unhurried(text: string, values: readonly unknown[] = []): pg.QueryConfig {
  // Of the driver, though its types do not tell.
  const patience = { query_timeout: DAY_MS };
  return { text, ...(values.length > 0 ? { values: [...values] } : {}), ...patience };
}

/** How much later than the server's own word on a statement an answer may come. */
const ON_THE_WAY_MS = 5_000;

/** The settings that all our connections share, pooled or not. */
export function connectionConfig(options: PoolOptions): pg.ClientConfig {
  const { statementTimeoutMs = 30_000 } = options;
  const { answerTimeoutMs = statementTimeoutMs + ON_THE_WAY_MS } = options;
  return {
    connectionString: options.url,
    application_name: options.application,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: 30_000,
    ...(answerTimeoutMs === null ? {} : { query_timeout: answerTimeoutMs }),
    pipeline: options.pipeline ?? false,
    options: Object.entries({ ...defaults, ...options.settings })
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
  };
}
