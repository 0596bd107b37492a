/** What every way to register shares: the password's policy, its hash, and where that lies. */
import type { Permission } from '@annals/contracts/kit/route';
import { type Mistake, Problem } from '@annals/contracts/problems';
import type { Services } from '../services.ts';
import { type PasswordOwner, passwordMistakes } from './domain/password-policy.ts';
import type { Registration } from './domain/user.ts';

export interface RegistrationBody {
  readonly username: string;
  /** Lower case. */
  readonly email: string;
  readonly password?: string | undefined;
  readonly firstName?: string | undefined;
  readonly lastName?: string | undefined;
}

export interface HashedPassword {
  /** Null for people who are imported: they have none. */
  readonly passwordHash: string | null;
}

/** Checks and hashes the password; only an import registers people without one. */
export async function hashPassword(
  { body, can }: { readonly body: RegistrationBody; can(permission: Permission): boolean },
  { passwords, passwordPolicy }: Services,
): Promise<HashedPassword> {
  const { password, username, email, firstName = '', lastName = '' } = body;
  if (password === undefined) {
    if (can('can_import')) return { passwordHash: null };
    throw invalidPassword([{ pointer: '/password', code: 'required', message: 'is required' }]);
  }
  const owner = { username, email, firstName, lastName };
  const mistakes = passwordMistakesOf(password, owner, { passwordPolicy }, '/password');
  if (mistakes.length > 0) throw invalidPassword(mistakes);
  return { passwordHash: await passwords.hash(password) };
}

/** Writes the hash under the id of the user who is about to be registered. */
export async function stagePassword(
  { id, prepared }: { readonly id: string; readonly prepared: HashedPassword },
  { credentials }: Services,
): Promise<void> {
  if (prepared.passwordHash !== null) await credentials.stage(id, id, prepared.passwordHash);
}

/** The registration that a body asks for. */
export function toRegistration(
  userId: string,
  body: RegistrationBody,
  { passwordHash }: HashedPassword,
): Registration {
  const { username, email, firstName = '', lastName = '' } = body;
  return { userId, username, email, firstName, lastName, imported: passwordHash === null };
}

/** The rules that a new password breaks. */
export function passwordMistakesOf(
  password: string,
  owner: PasswordOwner,
  { passwordPolicy }: Pick<Services, 'passwordPolicy'>,
  pointer: string,
): Mistake[] {
  return passwordMistakes(password, owner, passwordPolicy, pointer);
}

/** The refusal of a password that had to be proven, with whatever else is wrong. */
export function wrongPassword(pointer: string, others: readonly Mistake[] = []): Problem {
  const wrong = { pointer, code: 'wrong-password', message: 'is not the present password' };
  return new Problem('validation-failed', 'The present password is another one.', {
    mistakes: [wrong, ...others],
  });
}

export function invalidPassword(mistakes: readonly Mistake[]): Problem {
  return new Problem('validation-failed', 'The password does not follow the policy.', { mistakes });
}
