/** Sessions and their refresh tokens: tables of our own. Tokens lie there as hashes only. */
import { transaction } from '@annals/platform/postgres/transaction';
import type pg from 'pg';

/** Where a client calls from. */
export interface Client {
  readonly ip: string;
  readonly userAgent: string | null;
}

export interface NewSession extends Client {
  readonly id: string;
  readonly userId: string;
  /** The password that it was begun with. */
  readonly passwordId: string;
  readonly tokenHash: Buffer;
  readonly lifeSeconds: number;
}

export type RevocationReason =
  | 'logged-out'
  | 'refresh-token-reused'
  | 'disabled'
  | 'password-changed'
  | 'erased';

/** A session that has not ended, and what tells whether it may go on. */
export interface OpenSession {
  readonly id: string;
  readonly userId: string;
  readonly passwordId: string;
}

/** A session that ended. */
export interface Revocation {
  readonly sessionId: string;
  readonly userId: string;
  readonly reason: RevocationReason;
  readonly at: Date;
}

/** A session as its user sees it. */
export interface OwnSession {
  readonly id: string;
  readonly device: string | null;
  readonly ip: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
}

/** How a refresh ended. `reused`: a token that was rotated longer ago than the grace; the session is revoked now. */
export type RefreshResult =
  | {
      readonly kind: 'refreshed';
      readonly sessionId: string;
      readonly userId: string;
      readonly passwordId: string;
      readonly secondsLeft: number;
    }
  | { readonly kind: 'reused'; readonly revocation: Revocation }
  | { readonly kind: 'invalid' };

export interface SessionStore {
  create(session: NewSession): Promise<void>;
  /** Takes a refresh token in exchange for the next one of the same session. */
  refresh(tokenHash: Buffer, nextHash: Buffer, graceSeconds: number): Promise<RefreshResult>;
  /** Ends a session; null where it had ended, or never was. */
  revoke(sessionId: string, reason: RevocationReason): Promise<Revocation | null>;
  /** Ends a user's sessions that began by `until`: all where it is null. */
  revokeAll(userId: string, reason: RevocationReason, until: Date | null): Promise<Revocation[]>;
  /** Ends a user's sessions that were begun with another password, but for the one given. */
  revokeOutdated(userId: string, passwordId: string, keptSessionId: string | null): Promise<Revocation[]>;
  /** The session; null where it has ended, or is not known. */
  find(sessionId: string): Promise<OpenSession | null>;
  /** A user's sessions that have not ended, the last used first, and how many there are. */
  list(userId: string, limit: number): Promise<{ sessions: OwnSession[]; count: number }>;
  /** Ended sessions of which the log does not tell yet. */
  findUnannounced(limit: number): Promise<Revocation[]>;
  markAnnounced(sessionId: string): Promise<void>;
  /** Forgets where a user's sessions are from. */
  forgetClients(userId: string): Promise<void>;
  /** Removes sessions past their time, and ended ones after a day. */
  sweep(): Promise<void>;
}

const REVOCATION = `id as "sessionId", user_id as "userId", revocation_reason as reason, revoked_at as at`;

const CREATE = `
  with session as (
    insert into command_api.sessions (id, user_id, expires_at, ip, user_agent, password_id)
    values ($1, $2, now() + make_interval(secs => $3), $4, $5, $7) returning id)
  insert into command_api.refresh_tokens (token_hash, session_id) select $6, id from session`;

/** Sessions of before passwords had ids were begun with the one of the registration. */
const PASSWORD_ID = 'coalesce(password_id, user_id)';

/** Locks the session, so that parallel refreshes come one after the other. */
const FIND_TOKEN = `
  select s.id as "sessionId", s.user_id as "userId", coalesce(s.password_id, s.user_id) as "passwordId",
    s.revoked_at is not null or s.expires_at <= clock_timestamp() as "isOver",
    floor(extract(epoch from s.expires_at - clock_timestamp()))::int as "secondsLeft",
    coalesce(t.rotated_at < clock_timestamp() - make_interval(secs => $2), false) as "isReused"
  from command_api.refresh_tokens t join command_api.sessions s on s.id = t.session_id
  where t.token_hash = $1 for update of s`;

const ROTATE = `
  with old as (
    update command_api.refresh_tokens set rotated_at = coalesce(rotated_at, clock_timestamp())
    where token_hash = $1 returning session_id),
  used as (
    update command_api.sessions set last_used_at = now() from old where id = old.session_id)
  insert into command_api.refresh_tokens (token_hash, session_id) select $2, session_id from old`;

const REVOKE = `
  update command_api.sessions set revoked_at = date_trunc('milliseconds', clock_timestamp()), revocation_reason = $2
  where id = $1 and revoked_at is null returning ${REVOCATION}`;

const REVOKE_ALL = `
  update command_api.sessions set revoked_at = date_trunc('milliseconds', clock_timestamp()), revocation_reason = $2
  where user_id = $1 and revoked_at is null and expires_at > now()
    and ($3::timestamptz is null or date_trunc('milliseconds', created_at) <= $3)
  returning ${REVOCATION}`;

const REVOKE_OUTDATED = `
  update command_api.sessions
  set revoked_at = date_trunc('milliseconds', clock_timestamp()), revocation_reason = 'password-changed'
  where user_id = $1 and revoked_at is null and expires_at > now()
    and ${PASSWORD_ID} <> $2 and id is distinct from $3
  returning ${REVOCATION}`;

const LIST = `
  select id, user_agent as device, ip, created_at as "createdAt", last_used_at as "lastUsedAt",
    expires_at as "expiresAt", count(*) over ()::int as count
  from command_api.sessions where user_id = $1 and revoked_at is null and expires_at > now()
  order by last_used_at desc, id desc limit $2`;

const SWEEP = `
  delete from command_api.sessions
  where expires_at < now() or (is_announced and revoked_at < now() - interval '1 day')`;

interface TokenRow {
  readonly sessionId: string;
  readonly userId: string;
  readonly passwordId: string;
  readonly isOver: boolean;
  readonly secondsLeft: number;
  readonly isReused: boolean;
}

export function createSessionStore(pool: pg.Pool): SessionStore {
  return {
    async create({ id, userId, passwordId, lifeSeconds, ip, userAgent, tokenHash }) {
      await pool.query(CREATE, [id, userId, lifeSeconds, ip, userAgent, tokenHash, passwordId]);
    },
    refresh: (tokenHash, nextHash, graceSeconds) =>
      transaction(pool, (client) => refresh(client, tokenHash, nextHash, graceSeconds)),
    async revoke(sessionId, reason) {
      const { rows } = await pool.query<Revocation>(REVOKE, [sessionId, reason]);
      return rows[0] ?? null;
    },
    async revokeAll(userId, reason, until) {
      const { rows } = await pool.query<Revocation>(REVOKE_ALL, [userId, reason, until]);
      return rows;
    },
    async revokeOutdated(userId, passwordId, keptSessionId) {
      const { rows } = await pool.query<Revocation>(REVOKE_OUTDATED, [userId, passwordId, keptSessionId]);
      return rows;
    },
    async find(sessionId) {
      const { rows } = await pool.query<OpenSession>(
        `select id, user_id as "userId", ${PASSWORD_ID} as "passwordId" from command_api.sessions
         where id = $1 and revoked_at is null and expires_at > now()`,
        [sessionId],
      );
      return rows[0] ?? null;
    },
    async list(userId, limit) {
      const { rows } = await pool.query<OwnSession & { count: number }>(LIST, [userId, limit]);
      const sessions = rows.map(({ count: _, ...session }) => session);
      return { sessions, count: rows[0]?.count ?? 0 };
    },
    async findUnannounced(limit) {
      const { rows } = await pool.query<Revocation>(
        `select ${REVOCATION} from command_api.sessions
         where revoked_at is not null and not is_announced order by revoked_at limit $1`,
        [limit],
      );
      return rows;
    },
    async markAnnounced(sessionId) {
      await pool.query('update command_api.sessions set is_announced = true where id = $1', [sessionId]);
    },
    async forgetClients(userId) {
      await pool.query(`update command_api.sessions set ip = '', user_agent = null where user_id = $1`, [
        userId,
      ]);
    },
    async sweep() {
      await pool.query(SWEEP);
    },
  };
}

async function refresh(
  client: pg.PoolClient,
  tokenHash: Buffer,
  nextHash: Buffer,
  graceSeconds: number,
): Promise<RefreshResult> {
  const found = await client.query<TokenRow>(FIND_TOKEN, [tokenHash, graceSeconds]);
  const [token] = found.rows;
  if (!token || token.isOver) return { kind: 'invalid' };
  const { sessionId, userId, passwordId, secondsLeft } = token;
  if (!token.isReused) {
    await client.query(ROTATE, [tokenHash, nextHash]);
    return { kind: 'refreshed', sessionId, userId, passwordId, secondsLeft };
  }
  const revoked = await client.query<Revocation>(REVOKE, [sessionId, 'refresh-token-reused']);
  const [revocation] = revoked.rows;
  return revocation ? { kind: 'reused', revocation } : { kind: 'invalid' };
}
