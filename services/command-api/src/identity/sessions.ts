/**
 * Sessions [I3]: begun by a log-in, kept by rotating refresh tokens, ended by log-out or by the reuse of a token that
 * was rotated. An end is written to the table first and then told by an event; what dies in between is made up for by
 * {@link Sessions.announcePending}.
 */
import { hash, randomBytes } from 'node:crypto';
import type { SessionEvent } from '@annals/contracts/identity/session.events';
import type { SessionTokens } from '@annals/contracts/identity/views';
import { Problem } from '@annals/contracts/problems';
import type { EventLog } from '@annals/platform/event-log/log';
import { RevisionConflict } from '@annals/platform/event-store/port';
import type { SecurityLog } from '@annals/platform/telemetry/security-log';
import { uuidv5, uuidv7 } from '@annals/platform/uuid';
import pLimit from 'p-limit';
import { type Origin, toEvents } from '../commands/events.ts';
import type { Faults } from '../commands/faults.ts';
import { ACCESS_TOKEN_SECONDS, type AccessTokens } from './access-tokens.ts';
import { mayGoOn, type UserState } from './domain/user.ts';
import type { Client, OpenSession, Revocation, RevocationReason, SessionStore } from './session-store.ts';

export interface Sessions {
  /** Begins a session with the password that was proven; null where it does not count any more. */
  start(userId: string, passwordId: string, client: Client): Promise<SessionTokens | null>;
  /** The next pair of tokens. Throws `invalid-refresh-token`; the reuse of a rotated token ends the session. */
  refresh(refreshToken: string): Promise<SessionTokens>;
  /** Ends a session; ending an ended one changes nothing. */
  end(sessionId: string): Promise<void>;
  /** Ends all sessions of a user. */
  endAll(userId: string): Promise<void>;
  /** Ends the sessions that a user had when disabled at `at`; all of them where the user is disabled still. */
  endDisabled(userId: string, at: Date): Promise<void>;
  /** Ends the sessions that a change of the password left behind. */
  endOutdated(userId: string): Promise<void>;
  /** Ends all sessions of a user who was erased, and forgets where they were from; ended ones are kept for a while. */
  endErased(userId: string): Promise<void>;
  /** A user's sessions that have not ended, the last used first: the newest {@link LISTED}, and how many there are. */
  list(userId: string): ReturnType<SessionStore['list']>;
  /** Whose session it is; null where it has ended, is not known, or its user may not go on. */
  ownerOf(sessionId: string): Promise<string | null>;
  /** Tells of ended sessions of which the log does not know yet. */
  announcePending(): Promise<void>;
}

export interface SessionsOptions {
  readonly store: SessionStore;
  readonly log: EventLog;
  readonly tokens: AccessTokens;
  /** The user, read to the stream's end. */
  readonly userOf: (userId: string) => Promise<UserState>;
  readonly faults?: Faults | undefined;
  readonly security?: SecurityLog;
}

const SESSION_SECONDS = 30 * 24 * 3_600;
/** Parallel tabs may use one refresh token within this time. */
const GRACE_SECONDS = 10;
const ANNOUNCE_BATCH = 100;
/** Appends under way at once. */
const ANNOUNCED_AT_ONCE = 16;
/** Sessions that a list shows at most. */
const LISTED = 100;

export function createSessions({
  store,
  log,
  tokens,
  userOf,
  security,
  faults = () => undefined,
}: SessionsOptions): Sessions {
  async function tokensOf(
    userId: string,
    sessionId: string,
    refreshToken: string,
    secondsLeft: number,
  ): Promise<SessionTokens> {
    return {
      accessToken: await tokens.sign(userId, sessionId),
      tokenType: 'Bearer',
      expiresIn: ACCESS_TOKEN_SECONDS,
      refreshToken,
      refreshExpiresIn: Math.max(1, secondsLeft),
    };
  }

  async function announce(revocation: Revocation): Promise<void> {
    const { sessionId, userId, reason } = revocation;
    const event: SessionEvent = { type: 'SessionRevoked', data: { sessionId, userId, reason } };
    const stream = `session-${sessionId}`;
    try {
      // Ids and time follow from the revocation, so that telling it twice is telling it once.
      await log.append(stream, toEvents(stream, [event], originOf(revocation)), 'none');
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
    }
    await store.markAnnounced(sessionId);
  }

  async function announceAll(revocations: readonly Revocation[]): Promise<void> {
    for (const { reason } of revocations) await faults('revoked', reason);
    const limit = pLimit(ANNOUNCED_AT_ONCE);
    await Promise.all(revocations.map((revocation) => limit(announce, revocation)));
  }

  async function endAll(userId: string, reason: RevocationReason, until: Date | null): Promise<void> {
    await announceAll(await store.revokeAll(userId, reason, until));
  }

  async function endErased(userId: string): Promise<void> {
    await store.forgetClients(userId);
    await endAll(userId, 'erased', null);
  }

  const mayContinue = async ({ userId, ...session }: OpenSession): Promise<boolean> =>
    mayGoOn(await userOf(userId), session);

  return {
    async start(userId, passwordId, client) {
      const id = uuidv7();
      const refreshToken = newToken();
      const tokenHash = hashOf(refreshToken);
      await store.create({ id, userId, passwordId, tokenHash, lifeSeconds: SESSION_SECONDS, ...client });
      // Whoever changes the password, or erases the user, ends the sessions that are there by then: this one may have
      // come later.
      const user = await userOf(userId);
      if (mayGoOn(user, { id, passwordId })) return tokensOf(userId, id, refreshToken, SESSION_SECONDS);
      if (user.status === 'erased') {
        await endErased(userId);
        return null;
      }
      const revocation = await store.revoke(id, 'password-changed');
      if (revocation) await announceAll([revocation]);
      return null;
    },
    async refresh(refreshToken) {
      const next = newToken();
      const result = await store.refresh(hashOf(refreshToken), hashOf(next), GRACE_SECONDS);
      if (result.kind === 'reused') {
        security?.tell('refresh-token-reused', 'refused', { userId: result.revocation.userId });
        await announceAll([result.revocation]);
      }
      if (result.kind !== 'refreshed') throw invalidToken();
      const { userId, sessionId, passwordId, secondsLeft } = result;
      await faults('rotated', 'refreshSession');
      if (!(await mayContinue({ id: sessionId, userId, passwordId }))) throw invalidToken();
      return tokensOf(userId, sessionId, next, secondsLeft);
    },
    async end(sessionId) {
      const revocation = await store.revoke(sessionId, 'logged-out');
      if (revocation) await announceAll([revocation]);
    },
    endAll: (userId) => endAll(userId, 'logged-out', null),
    async endDisabled(userId, at) {
      const user = await userOf(userId);
      await endAll(userId, 'disabled', user.status === 'registered' && !user.isDisabled ? at : null);
    },
    async endOutdated(userId) {
      const user = await userOf(userId);
      if (user.status !== 'registered') return;
      await announceAll(await store.revokeOutdated(userId, user.passwordId, user.keptSessionId));
    },
    endErased,
    list: (userId) => store.list(userId, LISTED),
    async ownerOf(sessionId) {
      const session = await store.find(sessionId);
      return session && (await mayContinue(session)) ? session.userId : null;
    },
    async announcePending() {
      await announceAll(await store.findUnannounced(ANNOUNCE_BATCH));
    },
  };
}

function originOf({ sessionId, userId, reason, at }: Revocation): Origin {
  const commandId = uuidv5('revoke', sessionId);
  const isByUser = reason === 'logged-out';
  return {
    commandId,
    correlationId: commandId,
    traceparent: undefined,
    now: at.toISOString(),
    actor: isByUser ? { kind: 'user', id: userId } : { kind: 'system', id: null },
  };
}

function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** 256 random bits need no slow hash. */
function hashOf(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}

function invalidToken(): Problem {
  return new Problem('invalid-refresh-token', 'The refresh token is not valid; log in again.');
}
