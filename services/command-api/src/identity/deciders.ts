/** The aggregates of identity, bound to their events. */
import { user } from '@annals/contracts/identity/user.events';
import { verification } from '@annals/contracts/identity/verification.events';
import { defineDecider } from '../commands/decider.ts';
import * as domain from './domain/user.ts';
import * as requests from './domain/verification.ts';

export const users = defineDecider(user, {
  initial: domain.initial,
  evolve: domain.evolve,
  keys: domain.keys,
  taken: {
    username: { code: 'username-taken', pointer: '/username', message: 'The username is taken.' },
    email: { code: 'email-taken', pointer: '/email', message: 'The e-mail address is taken.' },
  },
});

export const verifications = defineDecider(verification, {
  initial: requests.initial,
  evolve: requests.evolve,
});
