/** Commands on the own account's password and address [I5]. */
import * as routes from '@annals/contracts/identity/account.routes';
import { Problem } from '@annals/contracts/problems';
import { peekToken } from '@annals/platform/privacy/signed-token';
import { defineCommand } from '../commands/command.ts';
import { streamOf } from '../commands/decider.ts';
import type { Services } from '../services.ts';
import { ownId } from './caller.ts';
import { users, verifications } from './deciders.ts';
import type { PasswordOwner } from './domain/password-policy.ts';
import * as domain from './domain/user.ts';
import { provenBy, requestEmail } from './domain/verification.ts';
import { invalidPassword, passwordMistakesOf, wrongPassword } from './registration.ts';
import { resetProof } from './reset-proof.ts';

export const changePassword = defineCommand(routes.changePassword, users, {
  target: ({ caller }) => ownId(caller),
  async prepare({ caller, body: { currentPassword, newPassword } }, services) {
    const user = domain.registered(await services.userOf(ownId(caller)));
    const isProven = await services.provePassword(user, currentPassword, caller.address);
    const mistakes = passwordMistakesOf(newPassword, ownerOf(user), services, '/newPassword');
    if (!isProven) throw wrongPassword('/currentPassword', mistakes);
    if (mistakes.length > 0) throw invalidPassword(mistakes);
    return { replacedId: user.passwordId, passwordHash: await services.passwords.hash(newPassword) };
  },
  decide: ({ state, caller, newId, prepared: { replacedId } }) =>
    domain.changePassword(
      state,
      { passwordId: newId, replacedId, sessionId: caller.kind === 'user' ? caller.sessionId : null },
      () => wrongPassword('/currentPassword'),
    ),
  stage: ({ id, newId, prepared }, { credentials }) => credentials.stage(id, newId, prepared.passwordHash),
  audit: 'change-password',
});

export const resetPassword = defineCommand(routes.resetPassword, users, {
  target: ({ params }) => subjectOf(params.token),
  async prepare({ params, caller, body: { newPassword } }, services) {
    const { subject, request } = opened('password-reset', params.token, services);
    const user = domain.registered(await services.userOf(subject));
    if (resetProof(user) !== request) throw invalidToken();
    const mistakes = passwordMistakesOf(newPassword, ownerOf(user), services, '/newPassword');
    if (mistakes.length > 0) throw invalidPassword(mistakes);
    // Who forgot the password has failed before, and is not to wait for that any more.
    await services.forgive(user, caller.address);
    return { request, passwordHash: await services.passwords.hash(newPassword) };
  },
  decide({ state, newId, prepared: { request } }) {
    const user = domain.registered(state);
    if (resetProof(user) !== request) throw invalidToken();
    const change = { passwordId: newId, replacedId: user.passwordId, sessionId: null };
    return domain.changePassword(state, change, invalidToken);
  },
  stage: ({ id, newId, prepared }, { credentials }) => credentials.stage(id, newId, prepared.passwordHash),
  audit: 'reset-password',
});

export const requestEmailChange = defineCommand(routes.requestEmailChange, verifications, {
  target: ({ caller }) => ownId(caller),
  related: ({ caller }) => ({ user: streamOf(users, ownId(caller)) }),
  async prepare({ caller, body: { password } }, services) {
    const user = domain.registered(await services.userOf(ownId(caller)));
    if (!(await services.provePassword(user, password, caller.address))) throw wrongPassword('/password');
    return user.passwordId;
  },
  decide({ id, state, related, body: { email }, newId, now, prepared: passwordId }) {
    const user = domain.registered(related.user);
    // Replaced meanwhile.
    if (user.passwordId !== passwordId) throw wrongPassword('/password');
    if (user.email === email && user.emailProof !== null) return [];
    return requestEmail(state, { userId: id, requestId: newId, email, passwordId, now });
  },
  audit: 'request-email-change',
});

export const confirmEmail = defineCommand(routes.confirmEmail, users, {
  target: ({ params }) => subjectOf(params.token),
  related: ({ params }) => ({ requests: streamOf(verifications, subjectOf(params.token)) }),
  prepare: ({ params }, services) => opened('email', params.token, services).request,
  decide({ state, related: { requests }, prepared: requestId }) {
    const { passwordId } = domain.registered(state);
    return domain.confirmEmail(state, requestId, provenBy(requests, requestId, passwordId));
  },
  audit: 'confirm-email',
});

/** The user whom a token names, genuine or not. */
function subjectOf(token: string): string {
  const claims = peekToken(token);
  if (!claims) throw invalidToken();
  return claims.subject;
}

function opened(purpose: 'email' | 'password-reset', token: string, services: Services) {
  const claims = services.openToken(purpose, token);
  if (!claims) throw invalidToken();
  return claims;
}

function ownerOf({
  username,
  email,
  profile: { firstName, lastName },
}: ReturnType<typeof domain.registered>): PasswordOwner {
  return { username, email, firstName, lastName };
}

function invalidToken(): Problem {
  return new Problem('invalid-token', 'The link has expired or was used before; ask for a new one.');
}
