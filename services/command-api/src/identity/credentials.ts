/**
 * Password hashes: rows of our own, never events. The log says which row counts: the one that `UserRegistered` or the
 * newest `PasswordChanged` names. A row is written before that event; those that never got one are swept.
 */
import type pg from 'pg';

/** A row of which it is not known yet whether an event names it. */
export interface StagedPassword {
  readonly userId: string;
  readonly passwordId: string;
  readonly stagedAt: Date;
}

export interface Credentials {
  /** Writes the hash of a password that an event is about to name. */
  stage(userId: string, passwordId: string, passwordHash: string): Promise<void>;
  /** The hash; null where there is none. */
  find(passwordId: string): Promise<string | null>;
  /** Rows staged before the age given (seconds) and not known to be named, oldest first. */
  findStaged(olderThanSeconds: number, limit: number): Promise<StagedPassword[]>;
  /** Remembers that events name these rows. */
  markNamed(passwordIds: readonly string[]): Promise<void>;
  /** Removes a row, unless it was staged again since. */
  removeStale(passwordId: string, stagedAt: Date): Promise<void>;
  /** Removes what an event of the user named before `passwordId`, which is the newest. */
  retain(userId: string, passwordId: string): Promise<void>;
  /** Removes every row of a user. */
  erase(userId: string): Promise<void>;
}

export function createCredentials(pool: pg.Pool): Credentials {
  return {
    async stage(userId, passwordId, passwordHash) {
      await pool.query(
        `insert into command_api.credentials (user_id, password_id, password_hash) values ($1, $2, $3)
         on conflict (password_id) do update set password_hash = excluded.password_hash, staged_at = now()
         where not credentials.is_registered`,
        [userId, passwordId, passwordHash],
      );
    },
    async find(passwordId) {
      const { rows } = await pool.query<{ password_hash: string }>({
        name: 'find-credentials',
        text: 'select password_hash from command_api.credentials where password_id = $1',
        values: [passwordId],
      });
      return rows[0]?.password_hash ?? null;
    },
    async findStaged(olderThanSeconds, limit) {
      const { rows } = await pool.query<StagedPassword>(
        `select user_id as "userId", password_id as "passwordId", staged_at as "stagedAt"
         from command_api.credentials
         where not is_registered and staged_at < now() - make_interval(secs => $1)
         order by staged_at limit $2`,
        [olderThanSeconds, limit],
      );
      return rows;
    },
    async markNamed(passwordIds) {
      await pool.query(
        'update command_api.credentials set is_registered = true where password_id = any($1)',
        [passwordIds],
      );
    },
    async removeStale(passwordId, stagedAt) {
      await pool.query(
        `delete from command_api.credentials
         where password_id = $1 and not is_registered and date_trunc('milliseconds', staged_at) <= $2`,
        [passwordId, stagedAt],
      );
    },
    async retain(userId, passwordId) {
      await pool.query(
        `with named as (update command_api.credentials set is_registered = true where password_id = $2)
         delete from command_api.credentials where user_id = $1 and password_id <> $2 and is_registered`,
        [userId, passwordId],
      );
    },
    async erase(userId) {
      await pool.query('delete from command_api.credentials where user_id = $1', [userId]);
    },
  };
}
