/** Routes by which people get what is kept about them, and have it erased [I8]; and the login log [I4]. */
import { z } from 'zod';
import { listOf, listQuery } from '../kit/list.ts';
import { uuid } from '../kit/primitives.ts';
import { accepted, answers, changed, defineRoute } from '../kit/route.ts';
import { dataExport, loginAttempt } from './views.ts';

const shared = { service: 'command-api', tag: 'identity' } as const;

export const requestExport = defineRoute({
  ...shared,
  name: 'requestExport',
  method: 'POST',
  path: '/v1/me/exports',
  summary: 'Have all that is kept about oneself put together',
  access: 'user',
  success: accepted,
});

export const getExport = defineRoute({
  ...shared,
  name: 'getExport',
  method: 'GET',
  path: '/v1/me/exports/{id}',
  summary: 'An export of one’s own, with its data once it is done; kept for a week',
  access: 'user',
  style: 'plain',
  params: z.strictObject({ id: uuid }),
  success: answers(dataExport),
});

export const eraseMe = defineRoute({
  ...shared,
  name: 'eraseMe',
  method: 'DELETE',
  path: '/v1/me',
  summary: 'Erase oneself for good: what was published stays, by "deleted user"',
  access: 'user',
  body: z.strictObject({ password: z.string().min(1).max(256) }),
  success: changed,
});

export const eraseUser = defineRoute({
  ...shared,
  name: 'eraseUser',
  method: 'DELETE',
  path: '/v1/users/{id}',
  summary: 'Erase a user for good; nobody erases themselves this way',
  access: 'staff',
  params: z.strictObject({ id: uuid }),
  success: changed,
  problems: ['own-access'],
});

export const listOwnLogins = defineRoute({
  ...shared,
  name: 'listOwnLogins',
  method: 'GET',
  path: '/v1/me/logins',
  summary: 'The own log-ins and failed attempts at them, the newest first',
  access: 'user',
  style: 'plain',
  query: listQuery(),
  success: answers(listOf(loginAttempt)),
});

export const listLogins = defineRoute({
  ...shared,
  name: 'listLogins',
  method: 'GET',
  path: '/v1/logins',
  summary: 'Log-ins and failed attempts, the newest first; of one user, or of all',
  access: 'staff',
  style: 'plain',
  query: listQuery({ filters: { user: { value: z.uuid(), operators: ['eq'] } } }),
  success: answers(listOf(loginAttempt)),
});
