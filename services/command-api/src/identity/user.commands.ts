/** Commands on users [I1, I2, I7]. */
import {
  registerUser as registerRoute,
  updateMe as updateRoute,
} from '@annals/contracts/identity/user.routes';
import { type Mistake, Problem } from '@annals/contracts/problems';
import { type CommandInput, defineCommand } from '../commands/command.ts';
import type { Services } from '../services.ts';
import { users } from './deciders.ts';
import { passwordMistakes } from './domain/password-policy.ts';
import * as domain from './domain/user.ts';

export const registerUser = defineCommand(registerRoute, users, {
  location: (id) => `/v1/users/${id}`,
  prepare: hashPassword,
  stage: async ({ id, prepared }, { credentials }) => {
    if (prepared.passwordHash !== null) await credentials.stage(id, prepared.passwordHash);
  },
  decide: ({ id, state, body, prepared }) =>
    domain.register(state, {
      userId: id,
      username: body.username,
      email: body.email,
      firstName: body.firstName ?? '',
      lastName: body.lastName ?? '',
      imported: prepared.passwordHash === null,
    }),
});

export const updateMe = defineCommand(updateRoute, users, {
  target({ caller }) {
    if (caller.kind !== 'user') throw new Problem('forbidden', 'Only users have a profile.');
    return caller.userId;
  },
  decide: ({ state, body: { firstName, lastName, bio, website } }) =>
    domain.updateProfile(state, { firstName, lastName, bio, website }),
});

/** Only an import registers people without a password. */
async function hashPassword(
  { body, can }: CommandInput<typeof registerRoute>,
  { passwords, passwordPolicy }: Services,
): Promise<{ passwordHash: string | null }> {
  const { password, username, email, firstName = '', lastName = '' } = body;
  if (password === undefined) {
    if (can('can_import')) return { passwordHash: null };
    throw invalidPassword([{ pointer: '/password', code: 'required', message: 'is required' }]);
  }
  const mistakes = passwordMistakes(password, { username, email, firstName, lastName }, passwordPolicy);
  if (mistakes.length > 0) throw invalidPassword(mistakes);
  return { passwordHash: await passwords.hash(password) };
}

function invalidPassword(mistakes: readonly Mistake[]): Problem {
  return new Problem('validation-failed', 'The password does not follow the policy.', { mistakes });
}
