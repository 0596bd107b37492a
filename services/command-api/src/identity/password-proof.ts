/** What the caller proves to know before something dear is done: their password, guarded against guessing like a log-in. */
import type { Credentials } from './credentials.ts';
import type { UserState } from './domain/user.ts';
import { findOut, type LoginGuard } from './login-guard.ts';
import type { PasswordHasher } from './password-hasher.ts';

type Registered = Extract<UserState, { status: 'registered' }>;

/** Whether it is the user's password. Throws `too-many-requests` after too many that were not. */
export type ProvePassword = (user: Registered, password: string, address: string) => Promise<boolean>;

export function createPasswordProof(options: {
  readonly guard: LoginGuard;
  readonly credentials: Credentials;
  readonly passwords: PasswordHasher;
}): ProvePassword {
  const { guard, credentials, passwords } = options;
  return async (user, password, address) => {
    const attempt = await guard.begin(`user ${user.userId}`, address);
    const isRight = await findOut(attempt, async () =>
      passwords.verify(password, await credentials.find(user.passwordId)),
    );
    await (isRight ? attempt.succeed() : attempt.fail());
    return isRight;
  };
}
