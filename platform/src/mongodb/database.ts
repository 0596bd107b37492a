/** A connection to MongoDB, with what has to be known of the server. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ClientSession,
  type Db,
  MongoClient,
  type ServerSessionId,
  type TransactionOptions,
} from 'mongodb';
import { backoff } from '../postgres/backoff.ts';
import { Connection } from './connection.ts';
import { hasLabel } from './errors.ts';

export interface MongoOptions {
  /** Names the database. */
  readonly url: string;
  /** Shown in the server's log. */
  readonly application: string;
}

/** A database of a server. */
export interface MongoDatabase {
  readonly db: Db;
  /** True on replica sets and sharded clusters: several documents can be written in one transaction. */
  hasTransactions(): Promise<boolean>;
  /**
   * The server's clock, as read a minute ago at most: no two processes judge leases by clocks of their own. It may be
   * behind by the time that an answer takes, never ahead: a lease is taken late rather than early.
   */
  now(): Promise<Date>;
  /**
   * Runs `work` in a transaction, again where it met a conflict or a new primary. After any other error of the commit
   * itself the outcome is unknown. In `session`, where others have to be able to end it; else in one of its own.
   */
  transaction<Result>(
    work: (session: ClientSession) => Promise<Result>,
    session?: ClientSession,
  ): Promise<Result>;
  /** A session for one transaction after the other; whoever opens it ends it. */
  openSession(): ClientSession;
  /**
   * Ends what a process that is gone, or put out, left open in its session. The server would do so after a minute
   * (`transactionLifetimeLimitSeconds`), and keep everyone from its documents until then.
   */
  killSession(id: ServerSessionId): Promise<void>;
  /** Runs `work` so that what it reads is not older than what it read before, and was acknowledged by a majority. */
  causally<Result>(work: (session: ClientSession | undefined) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

/** How long a server that is away is waited for: whoever asks tries again, or says that it is away. */
const SELECTION_MS = 3_000;
/** A command that is not answered for so long is given up with its connection. */
const ANSWER_MS = 30_000;
const CLOCK_MS = 60_000;
/** An answer that took longer, as where the process stood still, tells a time of before: it is not kept. */
const QUICK_MS = 1_000;
const ATTEMPTS = 10;

/** The server's time in milliseconds, and when it was told by `performance.now()`. */
interface Clock {
  readonly at: number;
  readonly time: number;
}

const defaultTransactionOptions: TransactionOptions = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority' },
};

/** Makes a client; it connects when it is first used. */
export function openMongo({ url, application }: MongoOptions): MongoDatabase {
  const options = {
    connectionType: Connection,
    appName: application,
    ignoreUndefined: true,
    serverSelectionTimeoutMS: SELECTION_MS,
    connectTimeoutMS: SELECTION_MS,
    waitQueueTimeoutMS: SELECTION_MS,
    socketTimeoutMS: ANSWER_MS,
    writeConcern: { w: 'majority' },
  } as const;
  const client = new MongoClient(url, options);
  const db = client.db();
  let clock: Clock | undefined;
  let transactions: boolean | undefined;

  const hello = async () => {
    const asked = performance.now();
    const { localTime, setName, msg } = await db.admin().command({ hello: 1 });
    const at = performance.now();
    const read: Clock = { at, time: (localTime as Date).getTime() };
    clock = at - asked < QUICK_MS ? read : undefined;
    const has = setName !== undefined || msg === 'isdbgrid';
    transactions = has;
    return { clock: read, transactions: has };
  };

  const hasTransactions = async () => transactions ?? (await hello()).transactions;

  return {
    db,
    hasTransactions,
    async now() {
      const isKnown = clock && performance.now() - clock.at < CLOCK_MS;
      const { at, time } = clock && isKnown ? clock : (await hello()).clock;
      return new Date(time + performance.now() - at);
    },
    openSession: () => client.startSession({ defaultTransactionOptions }),
    async killSession(id) {
      await db.command({ killSessions: [id] });
    },
    async transaction(work, session) {
      if (session) return attempt(session, work);
      return client.withSession({ defaultTransactionOptions }, (own) => attempt(own, work));
    },
    async causally(work) {
      if (!(await hasTransactions())) return work(undefined);
      return client.withSession({ causalConsistency: true }, work);
    },
    close: () => client.close(),
  };
}

/** One transaction in `session`, again and again while conflicts keep it from ending. */
async function attempt<Result>(
  session: ClientSession,
  work: (session: ClientSession) => Promise<Result>,
): Promise<Result> {
  for (let failures = 0; ; failures++) {
    session.startTransaction();
    try {
      const result = await work(session);
      await session.commitTransaction();
      return result;
    } catch (error) {
      // An abort that fails leaves a transaction that the server ends by itself.
      if (session.inTransaction()) await session.abortTransaction().catch(() => {});
      if (!hasLabel(error, 'TransientTransactionError') || failures === ATTEMPTS - 1) throw error;
      await sleep(backoff(failures) / 10);
    }
  }
}
