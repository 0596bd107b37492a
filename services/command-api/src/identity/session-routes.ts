/** Routes of sessions [I3]. Their answers carry secrets, so nothing of them is stored. */
import {
  createSession,
  endSession,
  endSessions,
  getJwks,
  listSessions,
  refreshSession,
} from '@annals/contracts/identity/session.routes';
import type { ownSessions } from '@annals/contracts/identity/views';
import { timestamp } from '@annals/contracts/kit/primitives';
import { Problem } from '@annals/contracts/problems';
import { type BoundInternalRoute, bindInternal } from '@annals/platform/http/bound-routes';
import { type BoundRoute, bind, type Caller } from '@annals/platform/http/types';
import { z } from 'zod';
import type { AccessTokens } from './access-tokens.ts';
import type { Identity } from './identity.ts';
import type { LogIn } from './log-in.ts';
import type { OwnSession } from './session-store.ts';
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
      await sessions.end(holder(caller).sessionId);
      return { status: 204 };
    }),
    bind(endSessions, async ({ caller }) => {
      await sessions.endAll(holder(caller).userId);
      return { status: 204 };
    }),
    bind(listSessions, async ({ caller }) => {
      const { userId, sessionId } = holder(caller);
      const { sessions: own, count } = await sessions.list(userId);
      return {
        status: 200,
        headers: secret,
        body: { results: own.map((one) => toJson(one, sessionId)), count },
      };
    }),
    bind(getJwks, async () => ({
      status: 200,
      headers: { 'cache-control': 'public, max-age=300' },
      body: tokens.jwks,
    })),
  ];
}

function holder(caller: Caller): Extract<Caller, { kind: 'user' }> {
  if (caller.kind === 'user') return caller;
  throw new Problem('forbidden', 'Only users have sessions.');
}

function toJson(session: OwnSession, currentId: string): z.input<typeof ownSessions>['results'][number] {
  const { id, device, ip, createdAt, lastUsedAt, expiresAt } = session;
  return {
    ...{ id, device, ip, isCurrent: id === currentId },
    createdAt: createdAt.toISOString(),
    lastUsedAt: lastUsedAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  };
}

/** What other services ask while their access view is behind, and how the worker ends a disabled user's sessions. */
export function internalSessionRoutes({
  sessions,
  standingOf,
}: Pick<Identity, 'sessions' | 'standingOf'>): BoundInternalRoute[] {
  const params = z.strictObject({ id: z.uuid() });
  const body = z.strictObject({ userId: z.uuid(), disabledAt: timestamp });
  return [
    bindInternal({ method: 'GET', path: '/internal/sessions/{id}', params }, async ({ params: { id } }) => {
      const permissions = await standingOf(id);
      return {
        status: 200,
        body: { isRevoked: permissions === null, permissions: [...(permissions ?? [])] },
      };
    }),
    bindInternal(
      { method: 'POST', path: '/internal/sessions/end-disabled', body },
      async ({ body: { userId, disabledAt } }) => {
        await sessions.endDisabled(userId, new Date(disabledAt));
        return { status: 204 };
      },
    ),
  ];
}
