/** Who calls: access tokens of users, and the tokens of our own services. */
import { hash, timingSafeEqual } from 'node:crypto';
import type { Permission } from '@annals/contracts/kit/route';
import { Problem } from '@annals/contracts/problems';
import type { JWTVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';
import { expiredToken, invalidToken, type TokenClaims, verifyAccessToken } from './access-token.ts';
import type { Recognize } from './kept-answers.ts';
import type { Authenticate } from './operation.ts';
import type { Caller } from './types.ts';

/** Who is out and who may do what, as the followed `access` view knows it. */
export interface AccessView {
  /** True where the session has ended, or its user is disabled or erased. */
  isOut(userId: string, sessionId: string): boolean;
  /** The permissions granted to a user; empty for one without any. */
  permissionsOf(userId: string): ReadonlySet<Permission>;
}

/** Asks whoever owns the sessions while the access view lags. */
export interface SessionCheck {
  /** True while the access view is more than a second behind the log. */
  isBehind(): boolean;
  /**
   * The permissions of the session's user; null where the session has ended or its user is disabled. Answers are
   * remembered for a second; a failure refuses with `unavailable`.
   */
  ask(sessionId: string): Promise<ReadonlySet<Permission> | null>;
}

export interface AuthenticatorOptions {
  /** {@link createRemoteJwks}, or jose's `createLocalJWKSet` where the keys are at hand. */
  readonly jwks: JWTVerifyGetKey;
  /** The public URL. */
  readonly issuer: string;
  /** Tokens by service name. */
  readonly serviceTokens: ReadonlyMap<string, string>;
  readonly access: AccessView;
  readonly sessionCheck?: SessionCheck;
}

/** Verified tokens that are remembered. */
const MAX_TOKENS = 20_000;
const MAX_SESSION_ANSWERS = 10_000;
const SESSION_ANSWER_MS = 1_000;
const BEARER = /^Bearer +([\w.~+/-]{1,4096}=*)$/i;

export interface Authenticator {
  /**
   * Throws `unauthenticated` for anything that is not a valid token, `token-expired`, and `unavailable` where keys or
   * sessions can't be had.
   */
  readonly authenticate: Authenticate;
  /** The same callers, as far as they are known without waiting. */
  readonly recognize: Recognize;
}

/**
 * Creates the check of `Authorization` headers. None: an anonymous caller. A token is verified once and then remembered
 * until it expires; whether its session is still in is looked at every time.
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { jwks, issuer, access, sessionCheck } = options;
  const services = [...options.serviceTokens].map(([name, token]) => ({
    name,
    digest: hash('sha256', token, 'buffer'),
  }));
  const verified = new LRUCache<string, TokenClaims>({ max: MAX_TOKENS });
  const ask = sessionCheck ? rememberAnswers(sessionCheck) : undefined;

  const admit = async (claims: TokenClaims, address: string): Promise<Caller> => {
    if (claims.expiresAt <= Date.now()) throw expiredToken();
    if (access.isOut(claims.userId, claims.sessionId)) throw endedSession();
    const { userId, sessionId } = claims;
    const permissions = ask && sessionCheck?.isBehind() ? await ask(sessionId) : access.permissionsOf(userId);
    if (permissions === null) throw endedSession();
    return { kind: 'user', userId, sessionId, permissions, address };
  };

  const recognize: Recognize = (authorization, address) => {
    if (authorization === undefined) return { kind: 'anonymous', address };
    const claims = verified.get(keyOf(authorization));
    if (!claims || claims.expiresAt <= Date.now() || sessionCheck?.isBehind()) return undefined;
    const { userId, sessionId } = claims;
    if (access.isOut(userId, sessionId)) return undefined;
    return { kind: 'user', userId, sessionId, permissions: access.permissionsOf(userId), address };
  };

  const authenticate: Authenticate = async (authorization, address) => {
    if (authorization === undefined) return { kind: 'anonymous', address };
    const key = keyOf(authorization);
    const remembered = verified.get(key);
    if (remembered) return admit(remembered, address);
    const token = BEARER.exec(authorization)?.[1];
    if (token === undefined) throw invalidToken();
    const digest = hash('sha256', token, 'buffer');
    const service = services.find((candidate) => timingSafeEqual(candidate.digest, digest));
    if (service) return { kind: 'service', name: service.name, address };
    const claims = await verifyAccessToken(token, jwks, issuer);
    verified.set(key, claims);
    return admit(claims, address);
  };
  return { authenticate, recognize };
}

/** What a token is remembered by; itself it is nowhere. */
function keyOf(authorization: string): string {
  return hash('sha256', authorization, 'base64');
}

function endedSession(): Problem {
  return new Problem('unauthenticated', 'The session has ended; log in again.');
}

/** Concurrent questions about one session share an answer. */
function rememberAnswers(check: SessionCheck): SessionCheck['ask'] {
  const answers = new LRUCache<string, ReturnType<SessionCheck['ask']>>({
    max: MAX_SESSION_ANSWERS,
    ttl: SESSION_ANSWER_MS,
    ttlResolution: 0,
    perf: Date,
  });
  return (sessionId) => {
    const known = answers.get(sessionId);
    if (known) return known;
    const answer = check.ask(sessionId).catch((cause: unknown) => {
      answers.delete(sessionId);
      throw new Problem('unavailable', 'Sessions can not be checked right now.', { cause });
    });
    answers.set(sessionId, answer);
    return answer;
  };
}
