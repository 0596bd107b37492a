/** Commands on users [I1, I2, I7]. */
import {
  registerUser as registerRoute,
  updateMe as updateRoute,
} from '@annals/contracts/identity/user.routes';
import { Problem } from '@annals/contracts/problems';
import { defineCommand } from '../commands/command.ts';
import { users } from './deciders.ts';
import * as domain from './domain/user.ts';
import { hashPassword, stagePassword, toRegistration } from './registration.ts';

export const registerUser = defineCommand(registerRoute, users, {
  location: (id) => `/v1/users/${id}`,
  prepare: hashPassword,
  stage: stagePassword,
  decide: ({ id, state, body, prepared }) => domain.register(state, toRegistration(id, body, prepared)),
});

export const updateMe = defineCommand(updateRoute, users, {
  target({ caller }) {
    if (caller.kind !== 'user') throw new Problem('forbidden', 'Only users have a profile.');
    return caller.userId;
  },
  decide: ({ state, body: { firstName, lastName, bio, website } }) =>
    domain.updateProfile(state, { firstName, lastName, bio, website }),
});
