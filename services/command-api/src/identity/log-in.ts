/** Logging in by username or e-mail address [I3, I4]: an unknown login takes and tells as much as a wrong password. */

import type { SessionTokens } from '@annals/contracts/identity/views';
import { streamId } from '@annals/contracts/kit/event';
import { Problem } from '@annals/contracts/problems';
import type { SecurityLog } from '@annals/platform/telemetry/security-log';
import { streamOf } from '../commands/decider.ts';
import type { Streams } from '../commands/streams.ts';
import type { Reservations } from '../reservations/reservations.ts';
import type { Credentials } from './credentials.ts';
import { users } from './deciders.ts';
import { key, type UserState } from './domain/user.ts';
import { type Attempt, findOut, type LoginGuard } from './login-guard.ts';
import type { LoginAttempt, LoginFailure, LoginLog } from './login-log.ts';
import type { PasswordHasher } from './password-hasher.ts';
import type { Client } from './session-store.ts';
import type { Sessions } from './sessions.ts';

export interface LogInOptions {
  readonly streams: Streams;
  readonly reservations: Reservations;
  readonly credentials: Credentials;
  readonly passwords: PasswordHasher;
  readonly guard: LoginGuard;
  readonly loginLog: LoginLog;
  readonly sessions: Sessions;
  readonly security: SecurityLog;
}

export interface Login {
  /** A username or an e-mail address, whatever its case. */
  readonly login: string;
  readonly password: string;
}

export type LogIn = (login: Login, client: Client) => Promise<SessionTokens>;

/** Stands for everyone who is not there, so that looking for them takes the same steps. */
export const NOBODY = '00000000-0000-0000-0000-000000000000';

/**
 * Creates the log-in; it throws `invalid-credentials` for whatever is wrong, `too-many-requests` where too much was
 * wrong before, and `unavailable` under too much load.
 */
export function createLogIn(options: LogInOptions): LogIn {
  const { streams, reservations, credentials, passwords, guard, loginLog, sessions, security } = options;

  /** Who the login belongs to: whose own stream owns the key. */
  async function find(reservation: string) {
    const claimant = await reservations.claimantOf(reservation);
    const { snapshot } = await streams.load(streamOf(users, claimant ? streamId(claimant.by) : NOBODY));
    const { state, claims } = snapshot;
    const user = state.status === 'registered' && claims.has(reservation) ? state : null;
    return { user, passwordHash: await credentials.find(user?.passwordId ?? NOBODY) };
  }

  async function conclude(
    attempt: Attempt,
    tried: Pick<LoginAttempt, 'userId' | 'loginHash' | 'reason'>,
    client: Client,
  ): Promise<void> {
    const { userId, reason } = tried;
    await Promise.all([
      loginLog.record({ ...tried, ...client }),
      reason === null ? attempt.succeed() : attempt.fail(),
    ]);
    // An erasure that came first has not met what was recorded now.
    const { state } = (await streams.load(streamOf(users, userId ?? NOBODY))).snapshot;
    if (state.status === 'erased') await loginLog.erase(state.userId);
    const details = { userId, address: client.ip };
    if (reason === null) security.tell('log-in', 'done', details);
    else security.tell('log-in', 'refused', { ...details, reason });
  }

  /** What an attempt comes to: tokens, or why there are none. */
  async function attemptAt(
    attempt: Attempt,
    { reservation, password }: { readonly reservation: string; readonly password: string },
    client: Client,
  ) {
    const { user, passwordHash } = await find(reservation);
    const { userId, passwordId } = user ?? { userId: null, passwordId: NOBODY };
    await attempt.slow(() => loginLog.hasSucceeded(userId ?? NOBODY, client.ip));
    const reason = reasonOf(user, await passwords.verify(password, passwordHash));
    // Null as well where the password was replaced meanwhile.
    const tokens =
      userId === null || reason !== null ? null : await sessions.start(userId, passwordId, client);
    return { userId, tokens, reason: tokens ? null : (reason ?? 'wrong-password') };
  }

  return async ({ login, password }, client) => {
    const reservation = reservations.streamOf(key(login.includes('@') ? 'email' : 'username', login));
    const loginHash = streamId(reservation);
    const attempt = await guard.begin(loginHash, client.ip);
    const { userId, tokens, reason } = await findOut(attempt, () =>
      attemptAt(attempt, { reservation, password }, client),
    );
    await conclude(attempt, { userId, loginHash, reason }, client);
    if (!tokens) throw new Problem('invalid-credentials', 'Login or password is wrong.');
    return tokens;
  };
}

type Found = Extract<UserState, { status: 'registered' }>;

function reasonOf(user: Found | null, isRight: boolean): LoginFailure | null {
  if (!user) return 'unknown-login';
  if (!isRight) return 'wrong-password';
  return user.isDisabled ? 'disabled' : null;
}
