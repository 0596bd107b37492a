/**
 * The fold that tells who may do what: permissions and disabled users by `user:<id>`, ended sessions by
 * `session:<id>`. command-api projects it into a table; every service that checks tokens loads that table and
 * follows the log from there with this same fold.
 */
import type { DomainEvent } from '../kit/event.ts';
import type { Permission } from '../kit/route.ts';
import type { SessionEvent } from './session.events.ts';
import type { UserEvent } from './user.events.ts';

/** One entry of the access view. */
export type AccessEntry =
  | { readonly kind: 'user'; readonly isDisabled: boolean; readonly permissions: readonly Permission[] }
  | { readonly kind: 'session'; readonly revokedAt: string };

type AccessEvent = Extract<
  UserEvent | SessionEvent,
  { type: 'PermissionGranted' | 'PermissionRevoked' | 'UserDisabled' | 'UserEnabled' | 'SessionRevoked' }
>;

/** The entry that an event concerns, by event type. */
export const accessKeys: { readonly [E in AccessEvent as E['type']]: (event: { data: E['data'] }) => string } = {
  PermissionGranted: ({ data }) => `user:${data.userId}`,
  PermissionRevoked: ({ data }) => `user:${data.userId}`,
  UserDisabled: ({ data }) => `user:${data.userId}`,
  UserEnabled: ({ data }) => `user:${data.userId}`,
  SessionRevoked: ({ data }) => `session:${data.sessionId}`,
};

/** Folds one event into its entry. Total: an event that changes nothing gives the entry back. */
export function evolveAccess(current: AccessEntry | null, event: AccessEvent & Pick<DomainEvent, 'metadata'>): AccessEntry {
  if (event.type === 'SessionRevoked') return { kind: 'session', revokedAt: event.metadata.occurredAt };
  const user = current?.kind === 'user' ? current : { kind: 'user' as const, isDisabled: false, permissions: [] };
  switch (event.type) {
    case 'PermissionGranted':
      return { ...user, permissions: [...new Set([...user.permissions, event.data.permission])].sort() };
    case 'PermissionRevoked':
      return { ...user, permissions: user.permissions.filter((held) => held !== event.data.permission) };
    case 'UserDisabled':
      return { ...user, isDisabled: true };
    case 'UserEnabled':
      return { ...user, isDisabled: false };
  }
}
