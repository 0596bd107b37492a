/** What people may know of what is kept about them [I4, I8], and what the worker asks and brings for it. */
import * as routes from '@annals/contracts/identity/privacy.routes';
import { Problem } from '@annals/contracts/problems';
import { type BoundInternalRoute, bindInternal } from '@annals/platform/http/bound-routes';
import { type BoundRoute, bind } from '@annals/platform/http/types';
import { z } from 'zod';
import { ownId } from './caller.ts';
import type { Exports } from './exports.ts';
import { listLogins } from './login-list.ts';
import type { LoginLog } from './login-log.ts';
import type { Sessions } from './sessions.ts';

export interface PrivacyTools {
  readonly publicUrl: string;
  readonly exports: Exports;
  readonly loginLog: LoginLog;
  readonly sessions: Sessions;
}

/** The public routes. */
export function privacyRoutes({ publicUrl, exports, loginLog }: PrivacyTools): BoundRoute[] {
  return [
    bind(routes.getExport, async ({ params: { id }, caller }) => {
      const found = await exports.find(id, ownId(caller));
      if (!found) throw new Problem('not-found', 'There is no such export.');
      const { data, requestedAt, expiresAt } = found;
      const head = {
        id,
        status: data === null ? 'pending' : 'done',
        requestedAt: requestedAt.toISOString(),
        expiresAt: expiresAt.toISOString(),
      };
      // The data is JSON already, and may be large.
      return { status: 200, body: `${JSON.stringify(head).slice(0, -1)},"data":${data ?? 'null'}}` };
    }),
    bind(routes.listOwnLogins, async ({ caller, url, query }) => ({
      status: 200,
      body: await listLogins(loginLog, [ownId(caller)], { publicUrl, url, query }),
    })),
    bind(routes.listLogins, async ({ url, query }) => {
      const users = query.filters.find(({ field }) => field === 'user')?.values ?? null;
      return { status: 200, body: await listLogins(loginLog, users, { publicUrl, url, query }) };
    }),
  ];
}

/** More than this of the login log does not go into an export. */
const MAX_LOGINS = 10_000;

/** Routes for the worker. */
export function internalPrivacyRoutes({ exports, loginLog, sessions }: PrivacyTools): BoundInternalRoute[] {
  const params = z.strictObject({ id: z.uuid() });
  const body = z.strictObject({
    userId: z.uuid(),
    part: z.int().nonnegative(),
    text: z.string(),
    isLast: z.boolean(),
  });
  return [
    bindInternal(
      { method: 'GET', path: '/internal/users/{id}/records', params },
      async ({ params: { id } }) => {
        const [logins, { sessions: own }] = await Promise.all([
          loginLog.list([id], { limit: MAX_LOGINS }),
          sessions.list(id),
        ]);
        return { status: 200, body: { logins, sessions: own } };
      },
    ),
    bindInternal(
      { method: 'POST', path: '/internal/exports/{id}/parts', params, body },
      async ({ params: { id }, body: part }) => {
        await exports.take({ id, ...part });
        return { status: 204 };
      },
    ),
  ];
}
