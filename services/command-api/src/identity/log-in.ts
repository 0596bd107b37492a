/** Logging in by username or e-mail address [I3, I4]: an unknown login takes and tells as much as a wrong password. */

import type { SessionTokens } from '@annals/contracts/identity/views';
import { streamId } from '@annals/contracts/kit/event';
import { Problem } from '@annals/contracts/problems';
import { streamOf } from '../commands/decider.ts';
import type { Streams } from '../commands/streams.ts';
import type { Reservations } from '../reservations/reservations.ts';
import type { Credentials } from './credentials.ts';
import { users } from './deciders.ts';
import { key } from './domain/user.ts';
import type { PasswordHasher } from './password-hasher.ts';
import type { Client, LoginAttempt, SessionStore } from './session-store.ts';
import type { Sessions } from './sessions.ts';

export interface LogInOptions {
  readonly streams: Streams;
  readonly reservations: Reservations;
  readonly credentials: Credentials;
  readonly passwords: PasswordHasher;
  readonly store: SessionStore;
  readonly sessions: Sessions;
}

export interface Login {
  /** A username or an e-mail address, whatever its case. */
  readonly login: string;
  readonly password: string;
}

export type LogIn = (login: Login, client: Client) => Promise<SessionTokens>;

/** Stands for everyone who is not there, so that looking for them takes the same steps. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Creates the log-in; it throws `invalid-credentials` for whatever is wrong, and `unavailable` under too much load. */
export function createLogIn({
  streams,
  reservations,
  credentials,
  passwords,
  store,
  sessions,
}: LogInOptions): LogIn {
  /** Who the login belongs to: whose own stream owns the key. */
  async function find(reservation: string) {
    const claimant = await reservations.claimantOf(reservation);
    const userId = claimant ? streamId(claimant.by) : NOBODY;
    const [{ snapshot }, passwordHash] = await Promise.all([
      streams.load(streamOf(users, userId)),
      credentials.find(userId),
    ]);
    const { state, claims } = snapshot;
    return { passwordHash, user: state.status === 'registered' && claims.has(reservation) ? state : null };
  }

  return async ({ login, password }, client) => {
    const reservation = reservations.streamOf(key(login.includes('@') ? 'email' : 'username', login));
    const { user, passwordHash } = await find(reservation);
    const isRight = await passwords.verify(password, user ? passwordHash : null);
    const reason = reasonOf(user, isRight);
    await store.record({ userId: user?.userId ?? null, loginHash: streamId(reservation), reason, ...client });
    if (!user || reason !== null) throw new Problem('invalid-credentials', 'Login or password is wrong.');
    return sessions.start(user.userId, client);
  };
}

function reasonOf(user: { isDisabled: boolean } | null, isRight: boolean): LoginAttempt['reason'] {
  if (!user) return 'unknown-login';
  if (!isRight) return 'wrong-password';
  return user.isDisabled ? 'disabled' : null;
}
