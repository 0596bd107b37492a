/** Connections for graphile-worker, which outlast the absence of PostgreSQL. */
import { setTimeout as sleep } from 'node:timers/promises';
import { backoff } from '@annals/platform/postgres/backoff';
import { isTransient } from '@annals/platform/postgres/errors';
import type { Pool, PoolClient } from 'pg';

/** PostgreSQL's code for a serialization failure: graphile-worker tries again after 50 ms to 5 s. */
const TRY_AGAIN = '40001';

/**
 * `pool` for graphile-worker. That notes how a job ended without waiting for it, and tries again only after errors of a few
 * codes; any other would end the process as a rejection that nobody handles. So connections are waited for, and a statement
 * that loses its connection fails with a code that is tried again. Once `signal` is aborted nobody waits any more.
 */
export function patientPool(pool: Pool, signal: AbortSignal): Pool {
  const connect = async (): Promise<PoolClient> => {
    for (let failures = 0; ; failures++) {
      try {
        return patientClient(await pool.connect());
      } catch (error) {
        if (signal.aborted || !isTransient(error)) throw error;
        await sleep(backoff(failures), undefined, { signal }).catch(() => {});
      }
    }
  };
  // Who listens for new jobs asks with a callback, and comes back by itself.
  const connectEither = (listen?: Parameters<Pool['connect']>[0]) =>
    listen ? pool.connect(listen) : connect();
  return replacing(pool, 'connect', connectEither);
}

function patientClient(client: PoolClient): PoolClient {
  const query = client.query.bind(client) as (...asked: unknown[]) => Promise<unknown>;
  return replacing(client, 'query', (...asked: unknown[]) =>
    query(...asked).catch((error: unknown) => {
      if (!isTransient(error)) throw error;
      const { message } = error as Error;
      throw Object.assign(new Error(message, { cause: error }), { code: TRY_AGAIN });
    }),
  );
}

/** `target` with another function in the place of one of its own. */
function replacing<Target extends object>(target: Target, name: keyof Target, by: unknown): Target {
  return new Proxy(target, { get: (own, key) => (key === name ? by : Reflect.get(own, key)) });
}
