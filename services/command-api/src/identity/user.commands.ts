/** Commands on users [I1, I2, I6, I7]. */
import * as routes from '@annals/contracts/identity/user.routes';
import type { Caller } from '@annals/platform/http/types';
import { defineCommand } from '../commands/command.ts';
import { ownId } from './caller.ts';
import { users } from './deciders.ts';
import * as domain from './domain/user.ts';
import { hashPassword, stagePassword, toRegistration } from './registration.ts';

export const registerUser = defineCommand(routes.registerUser, users, {
  location: (id) => `/v1/users/${id}`,
  prepare: hashPassword,
  stage: stagePassword,
  decide: ({ id, state, body, prepared }) => domain.register(state, toRegistration(id, body, prepared)),
});

export const updateMe = defineCommand(routes.updateMe, users, {
  target: ({ caller }) => ownId(caller),
  decide: ({ state, body: { firstName, lastName, bio, website } }) =>
    domain.updateProfile(state, { firstName, lastName, bio, website }),
});

const byId = ({ params }: { params: { id: string } }) => params.id;
const userIdOf = (caller: Caller) => (caller.kind === 'user' ? caller.userId : null);

export const grantPermission = defineCommand(routes.grantPermission, users, {
  target: byId,
  decide: ({ state, params }) => domain.grantPermission(state, params.permission),
  audit: 'grant-permission',
});

export const revokePermission = defineCommand(routes.revokePermission, users, {
  target: byId,
  decide: ({ state, params, caller }) => domain.revokePermission(state, params.permission, userIdOf(caller)),
  audit: 'revoke-permission',
});

export const disableUser = defineCommand(routes.disableUser, users, {
  target: byId,
  decide: ({ state, caller }) => domain.disable(state, userIdOf(caller)),
  audit: 'disable-user',
});

export const enableUser = defineCommand(routes.enableUser, users, {
  target: byId,
  decide: ({ state }) => domain.enable(state),
  audit: 'enable-user',
});
