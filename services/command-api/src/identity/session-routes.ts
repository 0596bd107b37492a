/** Routes of sessions [I3]. Their answers carry secrets, so nothing of them is stored. */
import {
  createSession,
  endSession,
  getJwks,
  refreshSession,
} from '@annals/contracts/identity/session.routes';
import { Problem } from '@annals/contracts/problems';
import { type BoundInternalRoute, bindInternal } from '@annals/platform/http/bound-routes';
import { type BoundRoute, bind } from '@annals/platform/http/types';
import { z } from 'zod';
import type { AccessTokens } from './access-tokens.ts';
import type { LogIn } from './log-in.ts';
import type { Sessions } from './sessions.ts';

interface SessionTools {
  readonly logIn: LogIn;
  readonly sessions: Sessions;
  readonly tokens: AccessTokens;
}

const secret = { 'cache-control': 'no-store' };

/** The public routes. */
export function sessionRoutes({ logIn, sessions, tokens }: SessionTools): BoundRoute[] {
  return [
    bind(createSession, async ({ body, caller, userAgent }) => ({
      status: 201,
      headers: secret,
      body: await logIn(body, { ip: caller.address, userAgent }),
    })),
    bind(refreshSession, async ({ body }) => ({
      status: 200,
      headers: secret,
      body: await sessions.refresh(body.refreshToken),
    })),
    bind(endSession, async ({ caller }) => {
      if (caller.kind !== 'user') throw new Problem('forbidden', 'Only users have sessions.');
      await sessions.end(caller.sessionId);
      return { status: 204 };
    }),
    bind(getJwks, async () => ({
      status: 200,
      headers: { 'cache-control': 'public, max-age=300' },
      body: tokens.jwks,
    })),
  ];
}

/** What other services ask while their access view is behind. */
export function internalSessionRoutes(sessions: Sessions): BoundInternalRoute[] {
  const params = z.strictObject({ id: z.uuid() });
  return [
    bindInternal({ method: 'GET', path: '/internal/sessions/{id}', params }, async ({ params: { id } }) => ({
      status: 200,
      body: { isRevoked: await sessions.isOver(id) },
    })),
  ];
}
