/** A user of the community: the account, its profile and its permissions. Pure. */
import type { UserEvent } from '@annals/contracts/identity/user.events';
import { ERASED } from '@annals/contracts/kit/personal';
import type { Permission } from '@annals/contracts/kit/route';
import type { UniqueKey } from '@annals/contracts/kit/unique-key';
import { Problem } from '@annals/contracts/problems';

/** What others may read of a person, and what they may change about themselves. */
export interface Profile {
  readonly firstName: string;
  readonly lastName: string;
  readonly bio: string;
  readonly website: string | null;
}

/** Fields of a profile; those left out stay as they are. */
export type ProfileChanges = { readonly [Field in keyof Profile]?: Profile[Field] | undefined };

export type UserState =
  | { readonly status: 'unregistered' }
  | {
      readonly status: 'registered';
      readonly userId: string;
      readonly username: string;
      readonly email: string;
      readonly profile: Profile;
      readonly permissions: readonly Permission[];
      readonly isDisabled: boolean;
    };

export const initial: UserState = { status: 'unregistered' };

/** Folds one event. Total: what cannot follow changes nothing. */
export function evolve(state: UserState, event: UserEvent): UserState {
  if (event.type === 'UserRegistered') {
    const { userId, username, email, firstName, lastName } = event.data;
    const profile = { firstName, lastName, bio: '', website: null };
    return { status: 'registered', userId, username, email, profile, permissions: [], isDisabled: false };
  }
  if (state.status === 'unregistered') return state;
  switch (event.type) {
    case 'ProfileUpdated':
      return { ...state, profile: { ...state.profile, ...profileChanges(event.data) } };
    case 'PermissionGranted':
      return { ...state, permissions: [...state.permissions, event.data.permission] };
    case 'PermissionRevoked':
      return { ...state, permissions: state.permissions.filter((held) => held !== event.data.permission) };
    case 'UserDisabled':
      return { ...state, isDisabled: true };
    case 'UserEnabled':
      return { ...state, isDisabled: false };
    default:
      return event satisfies never;
  }
}

/** Username and e-mail address are unique whatever their case; an erased one is nobody's. */
export function keys(state: UserState): readonly UniqueKey[] {
  if (state.status === 'unregistered') return [];
  return [key('username', state.username), key('email', state.email)].filter(
    ({ parts }) => !parts.includes(ERASED),
  );
}

/** The key of a username or an e-mail address. */
export function key(kind: 'username' | 'email', value: string): UniqueKey {
  return { kind, parts: [value.toLowerCase()] };
}

export interface Registration {
  readonly userId: string;
  readonly username: string;
  /** Lower case. */
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly imported: boolean;
}

/** Registers a person; registering the registered changes nothing. */
export function register(state: UserState, registration: Registration): UserEvent[] {
  return state.status === 'registered' ? [] : [{ type: 'UserRegistered', data: { ...registration } }];
}

/** Changes the own profile. */
export function updateProfile(state: UserState, changes: ProfileChanges): UserEvent[] {
  const { profile, userId } = registered(state);
  const changed = Object.entries(profileChanges(changes)).filter(
    ([field, value]) => profile[field as keyof Profile] !== value,
  );
  if (changed.length === 0) return [];
  return [{ type: 'ProfileUpdated', data: { userId, ...Object.fromEntries(changed) } }];
}

/** Grants a permission; granting what is held changes nothing. */
export function grantPermission(state: UserState, permission: Permission): UserEvent[] {
  const { userId, permissions } = registered(state);
  return permissions.includes(permission)
    ? []
    : [{ type: 'PermissionGranted', data: { userId, permission } }];
}

/**
 * Revokes a permission; revoking what is not held changes nothing. `by` is the user who does it: nobody revokes their
 * own `staff`, so that of those who could undo it one is always left.
 */
export function revokePermission(state: UserState, permission: Permission, by: string | null): UserEvent[] {
  const { userId, permissions } = registered(state);
  if (permission === 'staff' && by === userId) throw ownAccess();
  return permissions.includes(permission)
    ? [{ type: 'PermissionRevoked', data: { userId, permission } }]
    : [];
}

/** Disables a user; disabling the disabled changes nothing. `by` is the user who does it: nobody disables themselves. */
export function disable(state: UserState, by: string | null): UserEvent[] {
  const { userId, isDisabled } = registered(state);
  if (by === userId) throw ownAccess();
  return isDisabled ? [] : [{ type: 'UserDisabled', data: { userId } }];
}

/** Enables a user; enabling the enabled changes nothing. */
export function enable(state: UserState): UserEvent[] {
  const { userId, isDisabled } = registered(state);
  return isDisabled ? [{ type: 'UserEnabled', data: { userId } }] : [];
}

function registered(state: UserState): Extract<UserState, { status: 'registered' }> {
  if (state.status === 'registered') return state;
  throw new Problem('not-found', 'There is no such user.');
}

function ownAccess(): Problem {
  return new Problem('own-access', 'Another member of staff must do this.');
}

/** The profile's fields that are given. */
function profileChanges({ firstName, lastName, bio, website }: ProfileChanges): Partial<Profile> {
  return {
    ...(firstName === undefined ? {} : { firstName }),
    ...(lastName === undefined ? {} : { lastName }),
    ...(bio === undefined ? {} : { bio }),
    ...(website === undefined ? {} : { website }),
  };
}
