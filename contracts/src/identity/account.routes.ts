/** Routes by which users look after password and address of their accounts [I5]. */
import { z } from 'zod';
import { accepted, changed, defineRoute } from '../kit/route.ts';
import { email, password } from './fields.ts';

/** Of a mailed link; what it says is checked by its signature. */
const token = z
  .string()
  .min(1)
  .max(200)
  .meta({ description: 'From a mailed link: works once, and for a while' });
/** A password that is only compared. */
const presentPassword = z.string().min(1).max(256);

export const changePassword = defineRoute({
  name: 'changePassword',
  method: 'PUT',
  path: '/v1/me/password',
  service: 'command-api',
  tag: 'identity',
  summary: 'Change the own password; ends all other sessions',
  access: 'user',
  body: z.strictObject({ currentPassword: presentPassword, newPassword: password }),
  success: changed,
});

export const requestPasswordReset = defineRoute({
  name: 'requestPasswordReset',
  method: 'POST',
  path: '/v1/password-resets',
  service: 'command-api',
  tag: 'identity',
  summary: 'Ask for a mail that lets the password be replaced; tells nothing about who is there',
  access: 'anyone',
  throttle: 'login',
  style: 'plain',
  body: z.strictObject({ email }),
  success: { status: 202 },
});

export const resetPassword = defineRoute({
  name: 'resetPassword',
  method: 'PUT',
  path: '/v1/password-resets/{token}',
  service: 'command-api',
  tag: 'identity',
  summary: 'Replace the password by means of a mailed token; ends all sessions',
  access: 'anyone',
  throttle: 'login',
  params: z.strictObject({ token }),
  body: z.strictObject({ newPassword: password }),
  success: changed,
  problems: ['invalid-token'],
});

export const requestEmailChange = defineRoute({
  name: 'requestEmailChange',
  method: 'POST',
  path: '/v1/me/email-changes',
  service: 'command-api',
  tag: 'identity',
  summary: 'Ask for a mail that makes another address the own one, or confirms the present one',
  access: 'user',
  body: z.strictObject({ email, password: presentPassword }),
  success: accepted,
});

export const confirmEmail = defineRoute({
  name: 'confirmEmail',
  method: 'PUT',
  path: '/v1/email-changes/{token}',
  service: 'command-api',
  tag: 'identity',
  summary: 'Confirm an address by means of a mailed token',
  access: 'anyone',
  params: z.strictObject({ token }),
  success: changed,
  problems: ['invalid-token', 'email-taken'],
});
