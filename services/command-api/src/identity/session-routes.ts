/** Routes of sessions [I3]. Their answers carry secrets, so nothing of them is stored. */

import { requestPasswordReset } from '@annals/contracts/identity/account.routes';
import { getAvatar } from '@annals/contracts/identity/avatar.routes';
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
import { type BoundRoute, bind } from '@annals/platform/http/types';
import { z } from 'zod';
import { signedIn } from './caller.ts';
import type { Identity } from './identity.ts';
import type { OwnSession } from './session-store.ts';

type SessionTools = Pick<Identity, 'logIn' | 'sessions' | 'tokens' | 'resets' | 'findAvatar'>;

/** Nothing that a picture might turn out to be does anything; an hour, since an erasure must get through. */
const picture = {
  'cache-control': 'public, max-age=3600',
  'content-security-policy': "default-src 'none'; sandbox",
  'cross-origin-resource-policy': 'cross-origin',
};

const secret = { 'cache-control': 'no-store' };

/** The public routes. */
export function sessionRoutes({ logIn, sessions, tokens, resets, findAvatar }: SessionTools): BoundRoute[] {
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
      await sessions.end(signedIn(caller).sessionId);
      return { status: 204 };
    }),
    bind(endSessions, async ({ caller }) => {
      await sessions.endAll(signedIn(caller).userId);
      return { status: 204 };
    }),
    bind(listSessions, async ({ caller }) => {
      const { userId, sessionId } = signedIn(caller);
      const { sessions: own, count } = await sessions.list(userId);
      return {
        status: 200,
        headers: secret,
        body: { results: own.map((one) => toJson(one, sessionId)), count },
      };
    }),
    bind(requestPasswordReset, async ({ body }) => {
      await resets.request(body.email);
      return { status: 202 };
    }),
    bind(getAvatar, async ({ params: { id } }) => {
      const found = await findAvatar(id);
      if (!found) throw new Problem('not-found', 'There is no such picture.');
      return { status: 200, headers: { ...picture, 'content-type': found.mediaType }, body: found.bytes };
    }),
    bind(getJwks, async () => ({
      status: 200,
      headers: { 'cache-control': 'public, max-age=300' },
      body: tokens.jwks,
    })),
  ];
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

/** What other services ask while their access view is behind, and what the worker has done after users' events. */
export function internalSessionRoutes({
  sessions,
  standingOf,
  afterPasswordChange,
  afterAvatarChange,
  erasure,
}: Pick<
  Identity,
  'sessions' | 'standingOf' | 'afterPasswordChange' | 'afterAvatarChange' | 'erasure'
>): BoundInternalRoute[] {
  const params = z.strictObject({ id: z.uuid() });
  const body = z.strictObject({ userId: z.uuid(), disabledAt: timestamp });
  const onlyUser = z.strictObject({ userId: z.uuid() });
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
    bindInternal(
      { method: 'POST', path: '/internal/passwords/changed', body: onlyUser },
      async ({ body: { userId } }) => {
        await afterPasswordChange(userId);
        return { status: 204 };
      },
    ),
    bindInternal(
      { method: 'POST', path: '/internal/avatars/changed', body: onlyUser },
      async ({ body: { userId } }) => {
        await afterAvatarChange(userId);
        return { status: 204 };
      },
    ),
    bindInternal(
      { method: 'POST', path: '/internal/erasures', body: onlyUser },
      async ({ body: { userId } }) => {
        await erasure.carryOut(userId);
        return { status: 204 };
      },
    ),
  ];
}
