/**
 * Against guessing [I4]. Failures are counted per (login, network), per network and per login, in a table, so that all
 * replicas count alike. An attempt counts as a failure from its beginning until it is known to be a success: many at
 * once gain nothing. What is refused is refused before anything is looked up, and for logins that are nobody's likewise.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '@annals/contracts/problems';
import { networkOf } from '@annals/platform/http/network';
import type pg from 'pg';

/** An attempt under way: ends with `fail`, `succeed` or `abandon`. */
export interface Attempt {
  /**
   * Waits where the login as a whole is under attack. `isKnown`: whether the caller's network is one that the owner has
   * logged in from, asked only then; those are never slowed.
   */
  slow(isKnown: () => Promise<boolean>): Promise<void>;
  fail(): Promise<void>;
  succeed(): Promise<void>;
  /** It came to nothing, whatever was tried: counts for nothing. */
  abandon(): Promise<void>;
}

export interface LoginGuard {
  /**
   * Begins an attempt at `login` (a keyed hash of what was typed, not of whose it is: docs/decisions/0020). Throws
   * `too-many-requests` where it must wait.
   */
  begin(login: string, address: string): Promise<Attempt>;
  /** Forgets failures at these logins from the address's network: whoever calls has proven to be the owner. */
  forgive(logins: readonly string[], address: string): Promise<void>;
  /** Forgets what has run out. */
  sweep(): Promise<void>;
}

export interface GuardOptions {
  readonly pool: pg.Pool;
  /** Keyed hash of texts: no address lies in the table. */
  readonly hash: (...parts: string[]) => string;
  /** Failures at one login from one network that lock it for that network; from half of them on it is slowed. */
  readonly lockAfter: number;
  /** Likewise for a network, whatever the logins. */
  readonly networkLockAfter: number;
  readonly lockMinutes: number;
  /** Called when a lock begins. */
  readonly onLocked?: (what: 'login' | 'network', address: string) => void;
  /** Waits so many milliseconds; for tests. */
  readonly pause?: (ms: number) => Promise<unknown>;
}

/** Failures are remembered for this long after the last. */
const MEMORY_SECONDS = 3_600;
const LONGEST_PAUSE_SECONDS = 30;
/** A login as a whole is slowed by this much at most, and never refused: or else anybody could shut its owner out. */
const LONGEST_DELAY_MS = 5_000;
/** Attempts that may wait in this process. */
const MAX_WAITING = 500;

const BLOCKED = `
  select ceil(extract(epoch from max(blocked_until) - clock_timestamp()))::int as seconds
  from command_api.login_failures where key = any($1) and blocked_until > clock_timestamp()`;

/** Rows that were blocked meanwhile are not counted, and not returned. */
const COUNT = `
  insert into command_api.login_failures as f (key, failures, blocked_until, forget_at)
  select key, 1, case when lock_after <= 1 then now() + make_interval(mins => $3) else '-infinity' end,
    now() + make_interval(secs => $4)
  from unnest($1::text[], $2::int[]) as tried (key, lock_after) order by key
  on conflict (key) do update set
    failures = case when f.forget_at <= now() then 1 else f.failures + 1 end,
    blocked_until = case
      when (case when f.forget_at <= now() then 1 else f.failures + 1 end)
        >= ($2::int[])[array_position($1::text[], f.key)] then now() + make_interval(mins => $3)
      else f.blocked_until end,
    forget_at = case when f.forget_at <= now() then excluded.forget_at else f.forget_at end
  where f.blocked_until <= clock_timestamp()
  returning key, failures`;

/** Rows are locked in one order by all statements, so that none waits for another in a circle. */
const LOCKED =
  'with locked as (select from command_api.login_failures where key = any($1) order by key for update)';

/** Takes attempts back, and with them the locks that they began. */
const TAKE_BACK = `
  ${LOCKED}
  update command_api.login_failures f set failures = greatest(f.failures - 1, 0),
    blocked_until = case when began_lock then '-infinity' else f.blocked_until end
  from unnest($1::text[], $2::boolean[]) as tried (key, began_lock)
  where f.key = tried.key and (select count(*) from locked) > 0`;

/** Only now is anything remembered for longer: attempts that succeed keep no failures of others in memory. */
const FAIL = `
  ${LOCKED}
  update command_api.login_failures f
  set blocked_until = case when seconds > 0
      then greatest(f.blocked_until, clock_timestamp() + make_interval(secs => seconds))
      else f.blocked_until end,
    forget_at = now() + make_interval(secs => $3)
  from unnest($1::text[], $2::int[]) as paused (key, seconds)
  where f.key = paused.key and (select count(*) from locked) > 0`;

/** Never reached: logins as a whole are not locked. */
const NEVER = 2_147_483_647;

export function createLoginGuard(options: GuardOptions): LoginGuard {
  const { pool, hash, lockAfter, networkLockAfter, lockMinutes, onLocked = () => undefined } = options;
  const { pause = sleep } = options;
  let waiting = 0;

  async function refuseBlocked(keys: readonly string[]): Promise<void> {
    const { rows } = await pool.query<{ seconds: number | null }>(BLOCKED, [keys]);
    const seconds = rows[0]?.seconds ?? null;
    if (seconds !== null) throw tooMany(Math.max(1, seconds));
  }

  return {
    async begin(login, address) {
      const network = networkOf(address);
      const pairKey = hash('login-pair', login, network);
      const networkKey = hash('login-network', network);
      const loginKey = hash('login-whole', login);
      const keys = [pairKey, networkKey, loginKey].sort();
      const limits = new Map([
        [pairKey, lockAfter],
        [networkKey, networkLockAfter],
        [loginKey, NEVER],
      ]);
      const limitOf = (key: string) => limits.get(key) ?? NEVER;
      await refuseBlocked(keys);
      const counting = [keys, keys.map(limitOf), lockMinutes, MEMORY_SECONDS];
      const { rows } = await pool.query<{ key: string; failures: number }>(COUNT, counting);
      const counted = new Map(rows.map(({ key, failures }) => [key, failures]));
      const failuresOf = (key: string) => counted.get(key) ?? 0;
      const takeBack = (some: readonly string[]) =>
        pool.query(TAKE_BACK, [some, some.map((key) => failuresOf(key) >= limitOf(key))]);
      if (counted.size < keys.length) {
        await takeBack([...counted.keys()]);
        throw tooMany(1);
      }
      // What others failed at counts; this attempt itself does not yet.
      const delayMs = delayOf(failuresOf(loginKey) - 1, 2 * lockAfter);
      let isSlowed = false;
      return {
        async slow(isKnown) {
          if (delayMs === 0 || (await isKnown())) return;
          if (waiting >= MAX_WAITING) throw tooMany(Math.ceil(delayMs / 1_000));
          isSlowed = true;
          waiting++;
          await pause(delayMs).finally(() => waiting--);
        },
        async fail() {
          const [pair, whole] = [failuresOf(pairKey), failuresOf(networkKey)];
          if (pair === lockAfter) onLocked('login', address);
          if (whole === networkLockAfter) onLocked('network', address);
          const pauses = new Map([
            [pairKey, Math.max(pauseOf(pair, lockAfter), isSlowed ? Math.ceil(delayMs / 1_000) : 0)],
            [networkKey, pauseOf(whole, networkLockAfter)],
          ]);
          await pool.query(FAIL, [keys, keys.map((key) => pauses.get(key) ?? 0), MEMORY_SECONDS]);
        },
        async succeed() {
          await pool.query('delete from command_api.login_failures where key = $1', [pairKey]);
          await takeBack(keys.filter((key) => key !== pairKey));
        },
        async abandon() {
          await takeBack(keys);
        },
      };
    },
    async forgive(logins, address) {
      const keys = logins.map((login) => hash('login-pair', login, networkOf(address)));
      await pool.query('delete from command_api.login_failures where key = any($1)', [keys]);
    },
    async sweep() {
      await pool.query(
        'delete from command_api.login_failures where forget_at < now() and blocked_until < now()',
      );
    },
  };
}

/**
 * Finds out what an attempt comes to. Where `work` fails, be it for load or because a store is away, the attempt is
 * abandoned: nobody is locked out for what is wrong on our side. What can't be taken back then runs out like others.
 */
export async function findOut<Result>(attempt: Attempt, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    await attempt.abandon().catch(() => undefined);
    throw error;
  }
}

/** Seconds until the next attempt after so many failures: 1, 2, 4, … from half of the limit on. */
function pauseOf(failures: number, lockAfter: number): number {
  const from = Math.ceil(lockAfter / 2);
  return failures < from ? 0 : Math.min(LONGEST_PAUSE_SECONDS, 2 ** Math.min(failures - from, 10));
}

/** Milliseconds that an attempt waits after so many failures at a login from anywhere. */
function delayOf(failures: number, from: number): number {
  return failures < from ? 0 : Math.min(LONGEST_DELAY_MS, 1_000 * (1 + Math.floor((failures - from) / from)));
}

function tooMany(retryAfter: number): Problem {
  return new Problem('too-many-requests', 'Too many attempts failed; try again later.', { retryAfter });
}
