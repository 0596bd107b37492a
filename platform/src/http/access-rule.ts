/** Who may use a route, as far as that is known before the handler runs. */
import type { Permission, Route } from '@annals/contracts/kit/route';
import { Problem } from '@annals/contracts/problems';
import { notFound } from './exchange.ts';
import { type Caller, holds } from './types.ts';

/** A route's access, or `service`: only our own services, to whom alone such a route exists. */
export type RouteAccess = Route['access'] | 'service';

/**
 * Asked before a caller is refused for want of a permission, since it may have been granted a moment ago: true where
 * the caller's stream, read to its end, says so too.
 */
export type ConfirmForbidden = (caller: Caller, permission: Permission) => Promise<boolean>;

/** Looks permissions up in the caller's stream; only users may be missing any. */
export function confirmBy(
  permissionsOf: (userId: string) => Promise<ReadonlySet<Permission>>,
): ConfirmForbidden {
  return async (caller, permission) => {
    if (caller.kind !== 'user') return true;
    return !holds({ ...caller, permissions: await permissionsOf(caller.userId) }, permission);
  };
}

/** Returns the caller, perhaps with a permission just found out; throws `unauthenticated`, `forbidden`, `not-found`. */
export async function checkAccess(
  access: RouteAccess,
  caller: Caller,
  confirmForbidden: ConfirmForbidden | undefined,
): Promise<Caller> {
  if (access === 'anyone') return caller;
  if (access === 'service') {
    if (caller.kind === 'service') return caller;
    throw notFound();
  }
  if (caller.kind === 'anonymous') throw new Problem('unauthenticated', 'Send an access token.');
  if (access === 'user' || access === 'owner' || holds(caller, access)) return caller;
  if (confirmForbidden && !(await confirmForbidden(caller, access))) return grant(caller, access);
  throw new Problem('forbidden', `This needs the permission ${access}.`);
}

function grant(caller: Caller, permission: Permission): Caller {
  if (caller.kind !== 'user') return caller;
  return { ...caller, permissions: new Set([...caller.permissions, permission]) };
}
