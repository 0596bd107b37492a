/** Routes of log-in sessions [I3]. Their answers carry secrets and are never stored for replays. */
import { z } from 'zod';
import { answers, defineRoute, noContent } from '../kit/route.ts';
import { ownSessions, sessionTokens } from './views.ts';

export const createSession = defineRoute({
  name: 'createSession',
  method: 'POST',
  path: '/v1/sessions',
  service: 'command-api',
  tag: 'identity',
  summary: 'Log in with username or e-mail',
  access: 'anyone',
  throttle: 'login',
  style: 'plain',
  body: z.strictObject({ login: z.string().min(1).max(254), password: z.string().min(1).max(256) }),
  success: { status: 201, schema: sessionTokens },
  problems: ['invalid-credentials', 'unavailable'],
});

export const refreshSession = defineRoute({
  name: 'refreshSession',
  method: 'POST',
  path: '/v1/sessions/refresh',
  service: 'command-api',
  tag: 'identity',
  summary: 'Rotate the refresh token; reusing a rotated one ends the session',
  access: 'anyone',
  throttle: 'refresh',
  style: 'plain',
  body: z.strictObject({ refreshToken: z.string().min(1).max(512) }),
  success: { status: 200, schema: sessionTokens },
  problems: ['invalid-refresh-token'],
});

export const endSession = defineRoute({
  name: 'endSession',
  method: 'DELETE',
  path: '/v1/sessions/current',
  service: 'command-api',
  tag: 'identity',
  summary: 'Log out: ends the session of the access token',
  access: 'user',
  style: 'plain',
  success: noContent,
});

export const endSessions = defineRoute({
  name: 'endSessions',
  method: 'DELETE',
  path: '/v1/sessions',
  service: 'command-api',
  tag: 'identity',
  summary: 'Log out everywhere: ends all own sessions, this one too',
  access: 'user',
  style: 'plain',
  success: noContent,
});

export const listSessions = defineRoute({
  name: 'listSessions',
  method: 'GET',
  path: '/v1/sessions',
  service: 'command-api',
  tag: 'identity',
  summary: 'The own sessions, the last used first',
  access: 'user',
  style: 'plain',
  success: answers(ownSessions),
});

export const getJwks = defineRoute({
  name: 'getJwks',
  method: 'GET',
  path: '/.well-known/jwks.json',
  service: 'command-api',
  tag: 'identity',
  summary: 'The public keys that verify access tokens',
  access: 'anyone',
  style: 'plain',
  success: { status: 200, schema: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }) },
});
