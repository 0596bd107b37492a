/**
 * Permissions as of now: read from the person's stream to its end, where the followed view's answer would be one that
 * it may not give yet.
 */
import { accessEventTypes, permissionsIn } from '@annals/contracts/identity/access';
import type { Permission } from '@annals/contracts/kit/route';
import { Problem } from '@annals/contracts/problems';
import type { EventLog } from '@annals/platform/event-log/log';
import type { BoundRoute } from '@annals/platform/http/types';

export type PermissionsOf = (userId: string) => Promise<ReadonlySet<Permission>>;

/** Reads a user's stream; none for a user who is disabled or not there. */
export function createPermissionsOf(log: Pick<EventLog, 'read'>): PermissionsOf {
  return async (userId) => permissionsIn(await log.read(`user-${userId}`, { types: accessEventTypes }));
}

/**
 * The route, which refuses a user (403, or 404 for what they may not know of) only after their stream was read: a
 * permission may have been granted a moment ago.
 */
export function refuseLate(route: BoundRoute, permissionsOf: PermissionsOf): BoundRoute {
  return {
    ...route,
    async handler(request) {
      try {
        return await route.handler(request);
      } catch (error) {
        const { caller } = request;
        if (caller.kind !== 'user' || caller.permissions.has('staff') || !isRefusal(error)) throw error;
        const permissions = await permissionsOf(caller.userId);
        if (!addsTo(caller.permissions, permissions)) throw error;
        return route.handler({ ...request, caller: { ...caller, permissions } });
      }
    },
  };
}

function isRefusal(error: unknown): boolean {
  return error instanceof Problem && (error.code === 'forbidden' || error.code === 'not-found');
}

function addsTo(known: ReadonlySet<Permission>, found: ReadonlySet<Permission>): boolean {
  return [...found].some((permission) => !known.has(permission));
}
