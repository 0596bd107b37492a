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
  erase(userId: string): Promise<void>;
}

/** No command takes that long: what is staged meanwhile stays. */
const UNDER_WAY = "interval '10 minutes'";

export function createAvatars(pool: pg.Pool, keys: KeyStore): Avatars {
  return {
    async stage(id, userId, { mediaType, bytes }) {
      const key = (await keys.read([userId])).get(userId);
      if (key?.state !== 'usable') return;
      await pool.query(
        `insert into command_api.avatars (id, user_id, media_type, sealed) values ($1, $2, $3, $4)
         on conflict (id) do nothing`,
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
    async erase(userId) {
      await pool.query('delete from command_api.avatars where user_id = $1', [userId]);
    },
  };
}
