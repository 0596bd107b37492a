/** The documents of identity's views: what the projector writes and the query-api reads. */
import { ERASED } from '../kit/personal.ts';
import type { Account, PersonSummary, Profile } from './views.ts';

/** Rows: profiles for lists, joins and the search of names. */
export const profilesView = { name: 'profiles', version: 4 } as const;
/** Documents: the same profiles for single screens; found by id or `usernameLower`. */
export const profileDocumentsView = { name: 'profile_documents', version: 4, store: 'documents' } as const;
/** Documents: what only the owner of an account sees. */
export const accountsView = { name: 'accounts', version: 3, store: 'documents' } as const;

/** Rows: who follows whom, keyed by {@link followKey}. */
export const followsView = { name: 'follows', version: 1 } as const;

/** Columns of {@link profilesView}. */
export interface ProfileColumns {
  /** The public profile as JSON text. */
  readonly part: string;
  /** The {@link PersonSummary} as JSON text. */
  readonly summary: string;
  /** Empty where erased. */
  readonly username_lower: string;
  /** For full-text search; nothing where erased. */
  readonly names: string;
  /** The words of the names, folded like those of titles, with a space between them: misspelt ones are compared with these. */
  readonly name_words: string;
  readonly joined_at: string;
  readonly article_count: number;
  readonly follower_count: number;
  readonly following_count: number;
}

/** A following of `userId` by `followerId`. */
export interface FollowDoc {
  readonly userId: string;
  readonly followerId: string;
  readonly followedAt: string;
}

/** Columns of {@link followsView}. */
export interface FollowColumns {
  readonly user_id: string;
  readonly follower_id: string;
  readonly followed_at: string;
}

/** A profile, with what only the views need. */
export interface ProfileDoc extends Profile {
  /** Null where erased. */
  readonly usernameLower: string | null;
  /** Of the user's stream. */
  readonly revision: number;
}

/** The part of an account that the profile lacks. */
export type AccountDoc = Omit<Account, keyof Profile> & { readonly id: string };

export function followKey({ followerId, userId }: Pick<FollowDoc, 'followerId' | 'userId'>): string {
  return `${followerId}.${userId}`;
}

/** The name that erased people go by. */
const DELETED_USER = 'deleted user';

/** How a person is called: by the name given, else by the username, else {@link DELETED_USER}. */
export function displayName(person: {
  username: string | null;
  firstName: string;
  lastName: string;
}): string {
  if (person.username === null) return DELETED_USER;
  const name = [person.firstName, person.lastName].filter((part) => part !== '' && part !== ERASED).join(' ');
  return name === '' ? person.username : name;
}

/** The public profile of a document. */
export function toProfile({ usernameLower: _, revision: __, ...profile }: ProfileDoc): Profile {
  return profile;
}

/** Where a picture is to be had, below the API's base URL; the id changes with the picture. */
export function avatarUrl(avatarId: string | null): string | null {
  return avatarId === null ? null : `/v1/avatars/${avatarId}`;
}

/** What of a profile stands beside what the person wrote. */
export function toPersonSummary({ id, username, displayName, avatarUrl }: Profile): PersonSummary {
  return { id, username, displayName, avatarUrl };
}

/** A person whose profile is not there (yet). */
export function unknownPerson(id: string): PersonSummary {
  return { id, username: null, displayName: null, avatarUrl: null };
}
