/**
 * Password hashes: rows of our own, never events. A row is written before `UserRegistered` and counts for nothing
 * without it; those that never got one are swept.
 */
import type pg from 'pg';

export interface Credentials {
  /** Sets the hash of a user who is about to be registered. */
  stage(userId: string, passwordHash: string): Promise<void>;
  /** The hash of a user's password; null where there is none. */
  find(userId: string): Promise<string | null>;
  /** Rows staged before the age given (seconds) and not known to be registered, oldest first. */
  findUnregistered(olderThanSeconds: number, limit: number): Promise<{ userId: string; stagedAt: Date }[]>;
  /** Remembers that these users are registered. */
  markRegistered(userIds: readonly string[]): Promise<void>;
  /** Removes a row, unless it was staged again since. */
  removeStale(userId: string, stagedAt: Date): Promise<void>;
}

export function createCredentials(pool: pg.Pool): Credentials {
  return {
    async stage(userId, passwordHash) {
      await pool.query(
        `insert into command_api.credentials (user_id, password_hash) values ($1, $2)
         on conflict (user_id) do update set password_hash = excluded.password_hash, staged_at = now()
         where not credentials.is_registered`,
        [userId, passwordHash],
      );
    },
    async find(userId) {
      const { rows } = await pool.query<{ password_hash: string }>({
        name: 'find-credentials',
        text: 'select password_hash from command_api.credentials where user_id = $1',
        values: [userId],
      });
      return rows[0]?.password_hash ?? null;
    },
    async findUnregistered(olderThanSeconds, limit) {
      const { rows } = await pool.query<{ userId: string; stagedAt: Date }>(
        `select user_id as "userId", staged_at as "stagedAt" from command_api.credentials
         where not is_registered and staged_at < now() - make_interval(secs => $1)
         order by staged_at limit $2`,
        [olderThanSeconds, limit],
      );
      return rows;
    },
    async markRegistered(userIds) {
      await pool.query('update command_api.credentials set is_registered = true where user_id = any($1)', [
        userIds,
      ]);
    },
    async removeStale(userId, stagedAt) {
      await pool.query(
        `delete from command_api.credentials
         where user_id = $1 and not is_registered and date_trunc('milliseconds', staged_at) <= $2`,
        [userId, stagedAt],
      );
    },
  };
}
