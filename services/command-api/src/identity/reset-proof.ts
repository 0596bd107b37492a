/** What a mailed token that may replace the password is bound to. */
import { uuidv5 } from '@annals/platform/uuid';
import type { UserState } from './domain/user.ts';

type Registered = Extract<UserState, { status: 'registered' }>;

/**
 * Names the password and the address that count, so that a token dies with either: whoever can only read the mail of an
 * address that was given up gets no account by it. The password's id alone until another address was proven.
 */
export function resetProof({ userId, passwordId, emailProof }: Registered): string {
  return emailProof === null || emailProof === userId ? passwordId : uuidv5(emailProof, passwordId);
}
