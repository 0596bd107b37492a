/**
 * Exports of all that is kept about a user [I8]: the worker puts them together, this is where they wait for a week, sealed
 * with the user's own key, so that an erasure reaches them as well.
 */
import { transaction } from '@annals/platform/postgres/transaction';
import { decrypt, encrypt } from '@annals/platform/privacy/aead';
import type { KeyStore, SubjectKey } from '@annals/platform/privacy/port';
import type pg from 'pg';

export interface OwnExport {
  readonly id: string;
  readonly requestedAt: Date;
  readonly expiresAt: Date;
  /** JSON text of an object; null until it is done. */
  readonly data: string | null;
}

export interface Exports {
  /**
   * Makes room for an export that is about to be requested; false where the user has had `limit` of them within a day,
   * exactly, however many ask at once. What an earlier attempt made room for has it still.
   */
  stage(id: string, userId: string, limit: number): Promise<boolean>;
  /** Takes a part of an export's text; the last one makes it done. Does nothing once it is done, or gone. */
  take(part: ExportPart): Promise<void>;
  /** An export of the user; null where there is none. */
  find(id: string, userId: string): Promise<OwnExport | null>;
  /** Removes what is past its time. */
  sweep(): Promise<void>;
  erase(userId: string): Promise<void>;
}

export interface ExportPart {
  readonly id: string;
  readonly userId: string;
  /** From 0. */
  readonly part: number;
  readonly text: string;
  readonly isLast: boolean;
}

const KEPT = "interval '7 days'";

/** One request of a user at a time, in every replica, until its transaction ends. */
const TAKE_TURN = 'select pg_advisory_xact_lock($1, hashtext($2))';
const TURNS = 4_711_004;

/** Begun after the lock was taken, it sees what came before. */
const STAGE = `
  with staged as (
    insert into command_api.exports (id, user_id)
    select $1, $2 where $3 > (
      select count(*) from command_api.exports where user_id = $2 and requested_at > now() - interval '1 day')
    on conflict (id) do nothing returning id)
  select id from staged union all select id from command_api.exports where id = $1 and user_id = $2`;

export function createExports(pool: pg.Pool, keys: KeyStore): Exports {
  const keyOf = async (userId: string): Promise<Extract<SubjectKey, { state: 'usable' }> | null> => {
    const key = (await keys.read([userId])).get(userId);
    return key?.state === 'usable' ? key : null;
  };
  return {
    stage: (id, userId, limit) =>
      transaction(pool, async (client) => {
        await client.query(TAKE_TURN, [TURNS, userId]);
        const { rows } = await client.query(STAGE, [id, userId, limit]);
        return rows.length > 0;
      }),
    async take({ id, userId, part, text, isLast }) {
      const key = await keyOf(userId);
      if (!key) return;
      await pool.query(
        `insert into command_api.export_parts (export_id, part, sealed)
         select id, $2, $3 from command_api.exports where id = $1 and user_id = $4 and not is_done
         on conflict (export_id, part) do update set sealed = excluded.sealed`,
        [id, part, encrypt(key.key, Buffer.from(text), contextOf(id, part)), userId],
      );
      if (isLast)
        await pool.query('update command_api.exports set is_done = true where id = $1 and user_id = $2', [
          id,
          userId,
        ]);
    },
    async find(id, userId) {
      const { rows } = await pool.query<Omit<OwnExport, 'data'> & { isDone: boolean }>(
        `select id, requested_at as "requestedAt", requested_at + ${KEPT} as "expiresAt", is_done as "isDone"
         from command_api.exports where id = $1 and user_id = $2 and requested_at > now() - ${KEPT}`,
        [id, userId],
      );
      const [row] = rows;
      const key = row && (await keyOf(userId));
      if (!row || !key) return null;
      const { isDone, ...found } = row;
      if (!isDone) return { ...found, data: null };
      const parts = await pool.query<{ part: number; sealed: Buffer }>(
        'select part, sealed from command_api.export_parts where export_id = $1 order by part',
        [id],
      );
      const texts = parts.rows.map(({ part, sealed }) => decrypt(key.key, sealed, contextOf(id, part)));
      return { ...found, data: Buffer.concat(texts).toString('utf8') };
    },
    async sweep() {
      await pool.query(`delete from command_api.exports where requested_at < now() - ${KEPT}`);
    },
    async erase(userId) {
      await pool.query('delete from command_api.exports where user_id = $1', [userId]);
    },
  };
}

function contextOf(id: string, part: number): string {
  return `export ${id} ${part}`;
}
