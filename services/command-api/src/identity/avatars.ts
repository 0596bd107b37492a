/** Where pictures of people lie [I1]: sealed with the key of whoever is on them, so that an erasure reaches them as well. */
import { decrypt, encrypt } from '@annals/platform/privacy/aead';
import type { KeyStore } from '@annals/platform/privacy/port';
import type pg from 'pg';
import type { AvatarImage } from './domain/avatar-image.ts';

export interface Avatars {
  /** Writes the picture that an event is about to name. */
  stage(id: string, userId: string, image: AvatarImage): Promise<void>;
  /** The picture, and whose it is; null where there is none. */
  find(id: string): Promise<{ readonly userId: string; readonly image: AvatarImage } | null>;
  /** Removes all of a user's but the one given, and what may be under way. */
  retain(userId: string, id: string | null): Promise<void>;
  /**
   * Removes what {@link retain} left for being under way and what no event came to name. `currentOf` tells which picture
   * a user has, null for none; those that are somebody's are looked at once.
   */
  sweep(currentOf: (userId: string) => Promise<string | null>): Promise<void>;
  erase(userId: string): Promise<void>;
}

/** No command takes that long: what is staged meanwhile stays. */
const UNDER_WAY = "interval '10 minutes'";
/** Rows that one step of a sweep looks at. */
const BATCH = 100;

export function createAvatars(pool: pg.Pool, keys: KeyStore): Avatars {
  return {
    async stage(id, userId, { mediaType, bytes }) {
      const key = (await keys.read([userId])).get(userId);
      if (key?.state !== 'usable') return;
      await pool.query(
        `insert into command_api.avatars (id, user_id, media_type, sealed) values ($1, $2, $3, $4)
         on conflict (id) do update set staged_at = now(), is_named = false`,
        [id, userId, mediaType, encrypt(key.key, bytes, `avatar ${id}`)],
      );
    },
    async find(id) {
      const { rows } = await pool.query<{
        userId: string;
        mediaType: AvatarImage['mediaType'];
        sealed: Buffer;
      }>(
        `select user_id as "userId", media_type as "mediaType", sealed from command_api.avatars where id = $1`,
        [id],
      );
      const [row] = rows;
      const key = row && (await keys.read([row.userId])).get(row.userId);
      if (!row || key?.state !== 'usable') return null;
      const { userId, mediaType, sealed } = row;
      return { userId, image: { mediaType, bytes: decrypt(key.key, sealed, `avatar ${id}`) } };
    },
    async retain(userId, id) {
      await pool.query(
        `delete from command_api.avatars
         where user_id = $1 and id is distinct from $2 and staged_at < now() - ${UNDER_WAY}`,
        [userId, id],
      );
    },
    async sweep(currentOf) {
      for (;;) {
        const { rows } = await pool.query<{ id: string; userId: string }>(
          `select id, user_id as "userId" from command_api.avatars
           where not is_named and staged_at < now() - ${UNDER_WAY} order by staged_at limit $1`,
          [BATCH],
        );
        const users = [...new Set(rows.map(({ userId }) => userId))];
        const current = new Set(await Promise.all(users.map(currentOf)));
        const ids = rows.map(({ id }) => id);
        const [named, others] = [true, false].map((isNamed) =>
          ids.filter((id) => current.has(id) === isNamed),
        );
        // What was staged again meanwhile is under way.
        await pool.query(
          `with named as (
             update command_api.avatars set is_named = true
             where id = any($1) and staged_at < now() - ${UNDER_WAY})
           delete from command_api.avatars where id = any($2) and staged_at < now() - ${UNDER_WAY}`,
          [named, others],
        );
        if (rows.length < BATCH) return;
      }
    },
    async erase(userId) {
      await pool.query('delete from command_api.avatars where user_id = $1', [userId]);
    },
  };
}
