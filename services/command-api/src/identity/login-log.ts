/** The login log [I4]: every attempt to log in, for a time. What was entered is in it as a keyed hash only. */
import { networkOf } from '@annals/platform/http/network';
import type pg from 'pg';
import type { Client } from './session-store.ts';

export type LoginFailure = 'unknown-login' | 'wrong-password' | 'disabled';

/** One attempt to log in. `reason`: why it failed; null for a success. */
export interface LoginAttempt extends Client {
  /** Null for a login that is nobody's. */
  readonly userId: string | null;
  /** Keyed hash of what was entered. */
  readonly loginHash: string;
  readonly reason: LoginFailure | null;
}

/** An attempt as it was logged. */
export interface LoggedAttempt {
  /** Grows with time. */
  readonly id: string;
  readonly userId: string | null;
  readonly at: Date;
  readonly ip: string;
  readonly userAgent: string | null;
  readonly succeeded: boolean;
  readonly reason: LoginFailure | null;
}

/** Which part of a list: so many after an offset, or before or after an attempt. */
export interface LogRange {
  readonly limit: number;
  readonly offset?: number;
  readonly olderThan?: string | null;
  readonly newerThan?: string | null;
}

export interface LoginLog {
  record(attempt: LoginAttempt): Promise<void>;
  /** Whether the user has logged in from the address's network within the log's memory. */
  hasSucceeded(userId: string, address: string): Promise<boolean>;
  /** Attempts at the users given (all there are: null), the newest first. */
  list(users: readonly string[] | null, range: LogRange): Promise<LoggedAttempt[]>;
  /** How many there are of them, counted up to `limit`. */
  count(users: readonly string[] | null, limit: number): Promise<number>;
  /** Forgets what is older. */
  sweep(days: number): Promise<void>;
  /** Forgets a user. */
  erase(userId: string): Promise<void>;
}

const RECORD = `
  insert into command_api.login_log (user_id, login_hash, ip, network, user_agent, succeeded, reason)
  values ($1, $2, $3, $4, $5, $6, $7)`;

const HAS_SUCCEEDED = `
  select exists (select from command_api.login_log where user_id = $1 and network = $2 and succeeded) as "hasSucceeded"`;

const COLUMNS = 'l.id::text as id, user_id as "userId", at, ip, user_agent as "userAgent", succeeded, reason';
const OF_USERS = '($1::uuid[] is null or user_id = any($1))';

const LIST = `
  select ${COLUMNS} from command_api.login_log l
  where ${OF_USERS} and ($4::bigint is null or l.id < $4) order by l.id desc limit $2 offset $3`;

/** Those next to an attempt, the newest first as well. */
const LIST_NEWER = `
  select id, "userId", at, ip, "userAgent", succeeded, reason from (
    select ${COLUMNS}, l.id as n from command_api.login_log l
    where ${OF_USERS} and l.id > $3 order by l.id limit $2
  ) newer order by n desc`;

const COUNT = `
  select count(*)::int as count from (select from command_api.login_log where ${OF_USERS} limit $2) counted`;

export function createLoginLog(pool: pg.Pool): LoginLog {
  return {
    async record({ userId, loginHash, ip, userAgent, reason }) {
      const values = [userId, loginHash, ip, networkOf(ip), userAgent, reason === null, reason];
      await pool.query(RECORD, values);
    },
    async hasSucceeded(userId, address) {
      const { rows } = await pool.query<{ hasSucceeded: boolean }>(HAS_SUCCEEDED, [
        userId,
        networkOf(address),
      ]);
      return rows[0]?.hasSucceeded ?? false;
    },
    async list(users, { limit, offset = 0, olderThan = null, newerThan = null }) {
      const { rows } = await (newerThan === null
        ? pool.query<LoggedAttempt>(LIST, [users, limit, offset, olderThan])
        : pool.query<LoggedAttempt>(LIST_NEWER, [users, limit, newerThan]));
      return rows;
    },
    async count(users, limit) {
      const { rows } = await pool.query<{ count: number }>(COUNT, [users, limit]);
      return rows[0]?.count ?? 0;
    },
    async sweep(days) {
      await pool.query('delete from command_api.login_log where at < now() - make_interval(days => $1)', [
        days,
      ]);
    },
    async erase(userId) {
      await pool.query('delete from command_api.login_log where user_id = $1', [userId]);
    },
  };
}
