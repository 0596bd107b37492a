/** A caller whose permissions may be behind: those found missing are looked up before anything is refused for them. */
import type { Permission, Route } from '@annals/contracts/kit/route';
import { type Caller, holds } from '@annals/platform/http/types';
import type { CommandInput } from './command.ts';

/** The permissions of a user, from the user's own stream read to its end. */
export type PermissionsOf = (userId: string) => Promise<ReadonlySet<Permission>>;

export class TrackedCaller {
  #caller: Caller;
  readonly #permissionsOf: PermissionsOf;
  #wasDenied = false;
  #isFresh = false;

  constructor(caller: Caller, permissionsOf: PermissionsOf) {
    this.#caller = caller;
    this.#permissionsOf = permissionsOf;
  }

  get caller(): Caller {
    return this.#caller;
  }

  /** Whether the caller holds the permission, as far as is known. */
  readonly can = (permission: Permission): boolean => {
    const isHeld = holds(this.#caller, permission);
    this.#wasDenied ||= !isHeld;
    return isHeld;
  };

  /** Where a permission was found missing, looks it up, once; true where the caller's permissions are others. */
  async refresh(): Promise<boolean> {
    const caller = this.#caller;
    if (!this.#wasDenied || this.#isFresh || caller.kind !== 'user') return false;
    this.#isFresh = true;
    const permissions = await this.#permissionsOf(caller.userId);
    this.#caller = { ...caller, permissions };
    const isSame = [...permissions].every((permission) => caller.permissions.has(permission));
    return !isSame || permissions.size !== caller.permissions.size;
  }
}

/** The request as commands see it; its caller may turn out to have other permissions than were known. */
export class TrackedInput implements CommandInput<Route> {
  readonly params: unknown;
  readonly body: CommandInput<Route>['body'];
  readonly can: TrackedCaller['can'];
  readonly #caller: TrackedCaller;

  constructor({ params, body }: { params: unknown; body: unknown }, caller: TrackedCaller) {
    this.params = params;
    this.body = body as CommandInput<Route>['body'];
    this.can = caller.can;
    this.#caller = caller;
  }

  get caller(): Caller {
    return this.#caller.caller;
  }
}
