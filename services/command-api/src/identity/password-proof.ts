/** What the caller proves to know before something dear is done: their password, guarded against guessing like a log-in. */
import type { SecurityLog } from '@annals/platform/telemetry/security-log';
import type { Credentials } from './credentials.ts';
import type { UserState } from './domain/user.ts';
import { findOut, type LoginGuard } from './login-guard.ts';
import type { PasswordHasher } from './password-hasher.ts';

type Registered = Extract<UserState, { status: 'registered' }>;

/**
 * Whether it is the user's password; the security log is told of those that are not. Throws `too-many-requests` after too
 * many of them.
 */
export type ProvePassword = (user: Registered, password: string, address: string) => Promise<boolean>;

export function createPasswordProof(options: {
  readonly guard: LoginGuard;
  readonly credentials: Credentials;
  readonly passwords: PasswordHasher;
  readonly security: SecurityLog;
}): ProvePassword {
  const { guard, credentials, passwords, security } = options;
  return async (user, password, address) => {
    const attempt = await guard.begin(`user ${user.userId}`, address);
    const isRight = await findOut(attempt, async () =>
      passwords.verify(password, await credentials.find(user.passwordId)),
    );
    if (!isRight) {
      const { userId } = user;
      security.tell('prove-password', 'refused', { userId, address, reason: 'wrong-password' });
    }
    await (isRight ? attempt.succeed() : attempt.fail());
    return isRight;
  };
}
