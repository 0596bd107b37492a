/** How a socket signs in, and signs in again before its token expires. */
import { Problem } from '@annals/contracts/problems';
import type { ErrorCode, Identity, SocketContext } from './context.ts';

export type SignIn = { readonly identity: Identity } | { readonly code: ErrorCode; readonly detail: string };

/** Verifies a token for a socket that already belongs to `current`, if to anyone: a socket never changes hands. */
export async function signIn(
  context: SocketContext,
  current: Identity | null,
  token: string,
): Promise<SignIn> {
  let identity: Identity;
  try {
    identity = await context.verifyToken(token);
  } catch (error) {
    return refusalOf(error, context);
  }
  if (current && current.userId !== identity.userId) {
    return { code: 'unauthenticated', detail: 'the socket belongs to someone else' };
  }
  // The end of a session may have been heard of while its token was being verified.
  if (context.isEnded(identity)) return { code: 'unauthenticated', detail: 'the session has ended' };
  return { identity };
}

function refusalOf(error: unknown, context: SocketContext): SignIn {
  if (error instanceof Problem && error.code === 'token-expired')
    return { code: 'token-expired', detail: error.message };
  if (error instanceof Problem && error.code === 'unauthenticated')
    return { code: 'unauthenticated', detail: error.message };
  context.metrics.failed(error);
  return { code: 'unavailable', detail: 'the token could not be checked; try again' };
}
