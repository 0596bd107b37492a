import type { Pool } from 'pg';
import { isTransient } from '../postgres/errors.ts';
import type { SharedConnections } from '../postgres/shared-connections.ts';

/** Connections to a database that holds the views. */
export interface ReadSource {
  /** With `pipeline`, so that checkpoints and data are one round trip. */
  readonly pool: Pool;
  /** Of the same database, for reads that are quick. */
  readonly shared: SharedConnections;
}

/** How long a source that failed is left alone. */
const AWAY_MS = 1_000;
/** The statement took too long: it would elsewhere, too. */
const STATEMENT_TIMEOUT = '57014';

/**
 * Reads from one of `sources`: all but the last by turns, the last one where all others are away. One that fails for now
 * is left alone for a second, and the read is tried elsewhere. `read` gives an outcome that may hold such a failure.
 */
export function createReadSources(
  sources: readonly ReadSource[],
): <Result>(read: (source: ReadSource) => Promise<Result>) => Promise<Result> {
  const awayUntil = new Map<ReadSource, number>();
  const last = sources.at(-1);
  const replicas = sources.slice(0, -1);
  let turn = 0;

  const inTurn = (): readonly ReadSource[] => {
    turn = (turn + 1) % Math.max(1, replicas.length);
    const now = performance.now();
    const ordered = [...replicas.slice(turn), ...replicas.slice(0, turn)];
    return ordered.filter((source) => (awayUntil.get(source) ?? 0) <= now);
  };

  return async (read) => {
    for (const source of inTurn()) {
      const result = await read(source).then(
        (value) => ({ value, failure: failureIn(value) }),
        (failure: unknown) => ({ failure }),
      );
      if (!isAway(result.failure)) {
        if ('value' in result) return result.value;
        throw result.failure;
      }
      awayUntil.set(source, performance.now() + AWAY_MS);
    }
    if (!last) throw new Error('there is no source to read from');
    return read(last);
  };
}

function failureIn(value: unknown): unknown {
  const outcome =
    typeof value === 'object' && value !== null && 'outcome' in value ? value.outcome : undefined;
  const settled = outcome as PromiseSettledResult<unknown> | undefined;
  return settled?.status === 'rejected' ? settled.reason : undefined;
}

function isAway(error: unknown): boolean {
  const isTooLong = error instanceof Error && 'code' in error && error.code === STATEMENT_TIMEOUT;
  return isTransient(error) && !isTooLong;
}
