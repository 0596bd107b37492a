/** Access tokens as sockets show them. */
import { Problem } from '@annals/contracts/problems';
import type { Authenticate } from '@annals/platform/http/operation';
import { z } from 'zod';
import type { VerifyToken } from './context.ts';

const claims = z.object({ exp: z.number() });

/** Checks tokens as HTTP requests do; sockets besides need to know when a token expires. */
export function createTokenVerifier(authenticate: Authenticate): VerifyToken {
  return async (token) => {
    const caller = await authenticate(`Bearer ${token}`, 'push');
    if (caller.kind !== 'user') throw new Problem('unauthenticated', 'This is no user’s access token.');
    return { userId: caller.userId, sessionId: caller.sessionId, expiresAt: expiryOf(token) };
  };
}

/** Of a token whose signature has been verified; milliseconds since the epoch. */
function expiryOf(token: string): number {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  return claims.parse(JSON.parse(payload)).exp * 1_000;
}
