/** Routes of users and profiles, and of what staff do about users [I1, I6, I7]. */
import { z } from 'zod';
import { listOf, listQuery } from '../kit/list.ts';
import { isCleanText, text, uuid } from '../kit/primitives.ts';
import { answers, changed, created, defineRoute, permissions } from '../kit/route.ts';
import { email, password, username } from './fields.ts';
import { account, profile, profileFields } from './views.ts';

const personName = z.string().trim().max(100).refine(isCleanText, 'must not contain control characters');

export const registerUser = defineRoute({
  name: 'registerUser',
  method: 'POST',
  path: '/v1/users',
  service: 'command-api',
  tag: 'identity',
  summary: 'Register; callers with can_import may leave the password out',
  access: 'anyone',
  body: z.strictObject({
    username,
    email,
    password: password.optional(),
    firstName: personName.optional(),
    lastName: personName.optional(),
  }),
  success: created,
  problems: ['username-taken', 'email-taken'],
});

export const updateMe = defineRoute({
  name: 'updateMe',
  method: 'PATCH',
  path: '/v1/me',
  service: 'command-api',
  tag: 'identity',
  summary: 'Update the own profile',
  access: 'user',
  body: z.strictObject({
    firstName: personName.optional(),
    lastName: personName.optional(),
    bio: text(0, 2_000).optional(),
    website: z
      .url({ protocol: /^https?$/ })
      .max(300)
      .nullable()
      .optional(),
  }),
  success: changed,
});

export const getMe = defineRoute({
  name: 'getMe',
  method: 'GET',
  path: '/v1/me',
  service: 'query-api',
  tag: 'identity',
  summary: 'The own account',
  access: 'user',
  success: answers(account),
});

export const listUsers = defineRoute({
  name: 'listUsers',
  method: 'GET',
  path: '/v1/users',
  service: 'query-api',
  tag: 'identity',
  summary: 'Public profiles',
  access: 'anyone',
  query: listQuery({
    filters: { username: { value: z.string().min(1).max(30), operators: ['eq', 'contains'] } },
    sort: ['joinedAt', 'username', 'articleCount', 'followerCount'],
    fields: profileFields,
  }),
  success: answers(listOf(profile)),
});

export const getUser = defineRoute({
  name: 'getUser',
  method: 'GET',
  path: '/v1/users/{idOrUsername}',
  service: 'query-api',
  tag: 'identity',
  summary: 'A public profile',
  access: 'anyone',
  params: z.strictObject({ idOrUsername: z.string().min(1).max(64) }),
  success: answers(profile),
});

const onePermission = z.strictObject({ id: uuid, permission: z.enum(permissions) });
const oneUser = z.strictObject({ id: uuid });

export const grantPermission = defineRoute({
  name: 'grantPermission',
  method: 'PUT',
  path: '/v1/users/{id}/permissions/{permission}',
  service: 'command-api',
  tag: 'identity',
  summary: 'Grant a permission',
  access: 'staff',
  params: onePermission,
  success: changed,
});

export const revokePermission = defineRoute({
  name: 'revokePermission',
  method: 'DELETE',
  path: '/v1/users/{id}/permissions/{permission}',
  service: 'command-api',
  tag: 'identity',
  summary: 'Revoke a permission; nobody revokes their own `staff`',
  access: 'staff',
  params: onePermission,
  success: changed,
  problems: ['own-access'],
});

export const disableUser = defineRoute({
  name: 'disableUser',
  method: 'POST',
  path: '/v1/users/{id}/disable',
  service: 'command-api',
  tag: 'identity',
  summary: 'Disable a user and end their sessions; nobody disables themselves',
  access: 'staff',
  params: oneUser,
  success: changed,
  problems: ['own-access'],
});

export const enableUser = defineRoute({
  name: 'enableUser',
  method: 'POST',
  path: '/v1/users/{id}/enable',
  service: 'command-api',
  tag: 'identity',
  summary: 'Enable a disabled user, who may then log in again',
  access: 'staff',
  params: oneUser,
  success: changed,
});
