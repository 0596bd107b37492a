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
      /** Names the hash that counts; there is none where an import registered the person. */
      readonly passwordId: string;
      /** The session that outlived the newest change of the password. */
      readonly keptSessionId: string | null;
      /** The request whose token proved the address; null while nothing did. */
      readonly emailProof: string | null;
      readonly avatarId: string | null;
    }
  | { readonly status: 'erased'; readonly userId: string };

type Registered = Extract<UserState, { status: 'registered' }>;

export const initial: UserState = { status: 'unregistered' };

/** Folds one event. Total: what cannot follow changes nothing. */
export function evolve(state: UserState, event: UserEvent): UserState {
  if (state.status === 'erased') return state;
  if (event.type === 'UserRegistered') return begin(event.data);
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
    case 'PasswordChanged':
      return { ...state, passwordId: event.data.passwordId, keptSessionId: event.data.sessionId };
    case 'EmailConfirmed':
      return { ...state, email: event.data.email, emailProof: event.data.requestId };
    case 'AvatarChanged':
      return { ...state, avatarId: event.data.avatarId };
    case 'UserErased':
      return { status: 'erased', userId: state.userId };
    default:
      return event satisfies never;
  }
}

function begin(data: Registration): Registered {
  const { userId, username, email, firstName, lastName } = data;
  return {
    status: 'registered',
    ...{ userId, username, email },
    profile: { firstName, lastName, bio: '', website: null },
    permissions: [],
    isDisabled: false,
    passwordId: userId,
    keptSessionId: null,
    emailProof: null,
    avatarId: null,
  };
}

/** Username and e-mail address are unique whatever their case; an erased one is nobody's. */
export function keys(state: UserState): readonly UniqueKey[] {
  if (state.status !== 'registered') return [];
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
  return state.status !== 'unregistered' ? [] : [{ type: 'UserRegistered', data: { ...registration } }];
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

/** Whether a session may go on: begun with the password that counts, or the one in which it was changed. */
export function mayGoOn(state: UserState, session: { id: string; passwordId: string }): boolean {
  if (state.status !== 'registered' || state.isDisabled) return false;
  return session.passwordId === state.passwordId || session.id === state.keptSessionId;
}

export interface PasswordChange {
  /** Of the new password. */
  readonly passwordId: string;
  /** The password that was proven to be known, or that a mailed token is allowed to replace. */
  readonly replacedId: string;
  /** The session that goes on. */
  readonly sessionId: string | null;
}

/** Puts another password in place of the one that the caller may replace; `stale` where that is not it any more. */
export function changePassword(state: UserState, change: PasswordChange, stale: () => Problem): UserEvent[] {
  const { userId, passwordId: current } = registered(state);
  const { passwordId, replacedId, sessionId } = change;
  if (current !== replacedId) throw stale();
  return [{ type: 'PasswordChanged', data: { userId, passwordId, sessionId } }];
}

/**
 * Confirms the address that `requestId` proved: the one of the registration, where it is the user's id, or `newEmail`,
 * which is that of the newest request. Confirming twice is confirming once.
 */
export function confirmEmail(state: UserState, requestId: string, newEmail: string | null): UserEvent[] {
  const { userId, email, emailProof } = registered(state);
  if (emailProof === requestId) return [];
  const proven = requestId === userId && emailProof === null ? email : newEmail;
  if (proven === null)
    throw new Problem('invalid-token', 'The link has expired, was used, or a newer one counts.');
  return [{ type: 'EmailConfirmed', data: { userId, requestId, email: proven } }];
}

/** Puts another picture in place of the present one, or none; removing none changes nothing. */
export function changeAvatar(state: UserState, avatarId: string | null): UserEvent[] {
  const { userId, avatarId: current } = registered(state);
  return avatarId === current ? [] : [{ type: 'AvatarChanged', data: { userId, avatarId } }];
}

/** Erases a user; `by` is the member of staff who does it, null for the user: staff do not erase themselves this way. */
export function erase(state: UserState, by: string | null): UserEvent[] {
  if (state.status === 'erased') return [];
  const { userId } = registered(state);
  if (by === userId) throw ownAccess();
  return [{ type: 'UserErased', data: { userId } }];
}

/** The user; throws `not-found` where nobody is registered, or not any more. */
export function registered(state: UserState): Registered {
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
