/**
 * The fold that tells who may do what: permissions and disabled users by `user:<id>`, ended sessions by
 * `session:<id>`. command-api projects it into a table; every service that checks tokens loads that table and
 * follows the log from there with this same fold.
 */
import type { DomainEvent } from '../kit/event.ts';
import type { Permission } from '../kit/route.ts';
import type { SessionEvent } from './session.events.ts';
import type { UserEvent } from './user.events.ts';

/** The view that command-api folds: rows in `views.access_v2`, one {@link AccessEntry} per key. */
export const accessView = { name: 'access', version: 2 } as const;

/** One entry of the access view. */
export type AccessEntry =
  | { readonly kind: 'user'; readonly isDisabled: boolean; readonly permissions: readonly Permission[] }
  | { readonly kind: 'session'; readonly revokedAt: string };

type AccessEvent = Extract<
  UserEvent | SessionEvent,
  {
    type:
      | 'PermissionGranted'
      | 'PermissionRevoked'
      | 'UserDisabled'
      | 'UserEnabled'
      | 'UserErased'
      | 'SessionRevoked';
  }
>;

/** The entry that an event concerns, by event type. */
export const accessKeys: {
  readonly [E in AccessEvent as E['type']]: (event: { data: E['data'] }) => string;
} = {
  PermissionGranted: ({ data }) => `user:${data.userId}`,
  PermissionRevoked: ({ data }) => `user:${data.userId}`,
  UserDisabled: ({ data }) => `user:${data.userId}`,
  UserEnabled: ({ data }) => `user:${data.userId}`,
  UserErased: ({ data }) => `user:${data.userId}`,
  SessionRevoked: ({ data }) => `session:${data.sessionId}`,
};

/** Folds one event into its entry. Total: an event that changes nothing gives the entry back. */
export function evolveAccess(
  current: AccessEntry | null,
  event: AccessEvent & Pick<DomainEvent, 'metadata'>,
): AccessEntry {
  if (event.type === 'SessionRevoked') return { kind: 'session', revokedAt: event.metadata.occurredAt };
  const user =
    current?.kind === 'user' ? current : { kind: 'user' as const, isDisabled: false, permissions: [] };
  switch (event.type) {
    case 'PermissionGranted':
      return { ...user, permissions: [...new Set([...user.permissions, event.data.permission])].sort() };
    case 'PermissionRevoked':
      return { ...user, permissions: user.permissions.filter((held) => held !== event.data.permission) };
    case 'UserDisabled':
      return { ...user, isDisabled: true };
    case 'UserEnabled':
      return { ...user, isDisabled: false };
    // Nobody enables the erased: for whoever asks they are disabled for good.
    case 'UserErased':
      return { kind: 'user', isDisabled: true, permissions: [] };
  }
}

/** What a user may do, folded from {@link accessEventTypes} of the user's own stream. A disabled user may do nothing. */
export function permissionsIn(events: readonly DomainEvent[]): ReadonlySet<Permission> {
  const entry = events.filter(isAccessEvent).reduce<AccessEntry | null>(evolveAccess, null);
  return entry?.kind === 'user' && !entry.isDisabled ? new Set(entry.permissions) : NONE;
}

/** The event types that {@link AccessTable.apply} wants. */
export const accessEventTypes: ReadonlySet<string> = new Set(Object.keys(accessKeys));

const NONE: ReadonlySet<Permission> = new Set();

/** The access view in memory: what every service that checks tokens asks on every request. */
export class AccessTable {
  readonly #entries = new Map<string, AccessEntry>();
  /** Permissions by user, as a set that is made once. */
  readonly #permissions = new Map<string, ReadonlySet<Permission>>();

  /** Replaces everything by `entries`, by key. */
  load(entries: Iterable<readonly [key: string, entry: AccessEntry]>): void {
    this.#entries.clear();
    this.#permissions.clear();
    for (const [key, entry] of entries) this.#set(key, entry);
  }

  /** Folds one event in; one of another type than {@link accessEventTypes} changes nothing. */
  apply(event: DomainEvent): void {
    if (!isAccessEvent(event)) return;
    const key = accessKey(event);
    this.#set(key, evolveAccess(this.#entries.get(key) ?? null, event));
  }

  /** What was granted to the user; empty for one without grants. */
  permissionsOf(userId: string): ReadonlySet<Permission> {
    return this.#permissions.get(`user:${userId}`) ?? NONE;
  }

  isDisabled(userId: string): boolean {
    const entry = this.#entries.get(`user:${userId}`);
    return entry?.kind === 'user' && entry.isDisabled;
  }

  /** True where the session ended and was not swept yet. */
  isRevoked(sessionId: string): boolean {
    return this.#entries.has(`session:${sessionId}`);
  }

  /** True where a token of this user and session may no longer be used. */
  isOut(userId: string, sessionId: string): boolean {
    return this.isDisabled(userId) || this.isRevoked(sessionId);
  }

  /** Forgets sessions that ended before `time`: no access token of theirs is still valid. */
  sweep(time: Date): void {
    for (const [key, entry] of this.#entries) {
      if (entry.kind === 'session' && Date.parse(entry.revokedAt) < time.getTime()) this.#entries.delete(key);
    }
  }

  #set(key: string, entry: AccessEntry): void {
    this.#entries.set(key, entry);
    if (entry.kind === 'user') this.#permissions.set(key, new Set(entry.permissions));
  }
}

function isAccessEvent(event: DomainEvent): event is DomainEvent & AccessEvent {
  return accessEventTypes.has(event.type);
}

function accessKey(event: AccessEvent): string {
  const keyOf = accessKeys[event.type] as (event: AccessEvent) => string;
  return keyOf(event);
}
