/** Connections that many use at the same time, for short statements: what is asked in one turn goes out in one write. */
import { Socket } from 'node:net';
import { Problem } from '@annals/contracts/problems';
import pg from 'pg';
import { timed } from '../telemetry/query-time.ts';
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
async function connect(
  { answerTimeoutMs, ...options }: PoolOptions,
  onLost: () => void,
): Promise<Connection> {
  const socket = new Socket();
  const client = new pg.Client({
    ...connectionConfig({ ...options, pipeline: true, answerTimeoutMs: null }),
    stream: () => socket,
  });
  // Whoever waits for an answer learns of it.
  client.on('error', onLost);
  client.on('end', onLost);
  await client.connect();
  const watch = watchAnswers(answerTimeoutMs ?? undefined, () =>
    socket.destroy(new Error('connection terminated: no answer in time')),
  );
  client.on('end', watch.stop);
  let isCollecting = false;
  const flush = () => {
    isCollecting = false;
    socket.uncork();
  };
  return {
    query(statement) {
      if (watch.waiting >= MAX_WAITING)
        return Promise.reject(
          new Problem('unavailable', 'Too many wait already; try again.', { retryAfter: 1 }),
        );
      if (!isCollecting) {
        isCollecting = true;
        socket.cork();
        setImmediate(flush);
      }
      watch.asked();
      return timed(() => ask(client, statement, watch.answered));
    },
    end: () => client.end(),
  };
}

/**
 * Sends a statement. The driver copies a config with the attributes of each of its members and gives each promise a
 * second one, which is dearer than all else it does for a short statement; a text is not copied, a callback has none.
 */
function ask<Row extends pg.QueryResultRow>(
  client: pg.Client,
  { name, text, values = [] }: pg.QueryConfig,
  onAnswer: () => void,
): Promise<pg.QueryResult<Row>> {
  const { promise, resolve, reject } = Promise.withResolvers<pg.QueryResult<Row>>();
  const query = new pg.Query<Row>(text, values, (error, result) => {
    onAnswer();
    if (error) reject(error);
    else resolve(result);
  });
  client.query(Object.assign(query, { name }));
  return promise;
}

interface Watch {
  readonly waiting: number;
  asked(): void;
  answered(): void;
  stop(): void;
}

/** One clock for all that a connection is asked: `onSilence` is called where none of them is answered for so long. */
function watchAnswers(timeoutMs: number | undefined, onSilence: () => void): Watch {
  let waiting = 0;
  let silentSince = 0;
  const look = () => {
    if (waiting > 0 && performance.now() - silentSince > (timeoutMs ?? 0)) onSilence();
  };
  const clock = timeoutMs === undefined ? undefined : setInterval(look, timeoutMs / 4).unref();
  return {
    get waiting() {
      return waiting;
    },
    asked() {
      if (waiting++ === 0) silentSince = performance.now();
    },
    answered() {
      waiting--;
      silentSince = performance.now();
    },
    stop: () => clearInterval(clock),
  };
}
