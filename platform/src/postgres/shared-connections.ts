/** Connections that many use at the same time, for short statements: what is asked in one turn goes out in one write. */
import { Socket } from 'node:net';
import { Problem } from '@annals/contracts/problems';
import pg from 'pg';
import { connectionConfig, type PoolOptions } from './pool.ts';

/** Runs single statements: a pool, a connection of one's own, or a shared one. */
export interface Queryable {
  query<Row extends pg.QueryResultRow>(statement: pg.QueryConfig): Promise<pg.QueryResult<Row>>;
}

export interface SharedConnections {
  /**
   * A connection, made where it is not there yet. Its statements are answered in their order, each in a transaction of
   * its own; so no slow ones, and no settings or transactions that span several. Once it is lost all of them fail, and
   * later ones too: take another one. Where very many wait for their answers, more are refused (`unavailable`).
   */
  take(): Promise<Queryable>;
  /** Ends them once all that was asked is answered. */
  end(): Promise<void>;
}

/** Statements of one connection that may wait for their answers. */
const MAX_WAITING = 5_000;

interface Connection extends Queryable {
  end(): Promise<void>;
}

/** Opens up to `max` (default 2) connections; takers get them by turns. */
export function createSharedConnections(options: Omit<PoolOptions, 'pipeline'>): SharedConnections {
  const places: (Promise<Connection> | undefined)[] = new Array(options.max ?? 2).fill(undefined);
  let turn = 0;
  let isEnded = false;

  const open = (place: number): Promise<Connection> => {
    const opening = connect(options, () => {
      if (places[place] === opening) places[place] = undefined;
    });
    opening.catch(() => {
      if (places[place] === opening) places[place] = undefined;
    });
    places[place] = opening;
    return opening;
  };

  return {
    async take() {
      if (isEnded) throw new Error('the connections are ended');
      turn = (turn + 1) % places.length;
      return places[turn] ?? open(turn);
    },
    async end() {
      isEnded = true;
      const open = await Promise.allSettled(places);
      await Promise.all(open.map((one) => one.status === 'fulfilled' && one.value?.end()));
    },
  };
}

/** `onLost` is called once the connection takes no more statements. */
async function connect(options: PoolOptions, onLost: () => void): Promise<Connection> {
  const socket = new Socket();
  const client = new pg.Client({
    ...connectionConfig({ ...options, pipeline: true }),
    stream: () => socket,
  });
  // Whoever waits for an answer learns of it.
  client.on('error', onLost);
  client.on('end', onLost);
  await client.connect();
  let isCollecting = false;
  let waiting = 0;
  const flush = () => {
    isCollecting = false;
    socket.uncork();
  };
  return {
    async query(statement) {
      if (waiting >= MAX_WAITING)
        throw new Problem('unavailable', 'Too many wait already; try again.', { retryAfter: 1 });
      if (!isCollecting) {
        isCollecting = true;
        socket.cork();
        setImmediate(flush);
      }
      waiting++;
      try {
        return await client.query(statement);
      } finally {
        waiting--;
      }
    },
    end: () => client.end(),
  };
}
