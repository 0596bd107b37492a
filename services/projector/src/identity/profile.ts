/** The fold of a public profile, for both of its projections. */
import { avatarUrl, displayName, type ProfileDoc } from '@annals/contracts/identity/docs';
import { type FollowDomainEvent, follow } from '@annals/contracts/identity/follow.events';
import { reservation } from '@annals/contracts/identity/reservation.events';
import { user } from '@annals/contracts/identity/user.events';
import { type DomainEvent, type DomainEventOf, streamCategory, streamId } from '@annals/contracts/kit/event';
import { ERASED } from '@annals/contracts/kit/personal';
import { article } from '@annals/contracts/publishing/article.events';
import { publicationChange } from '../publishing/publication.ts';

export const profileAggregates = [user, reservation, article, follow] as const;

type Change = DomainEventOf<typeof user>;
type Lapse = Extract<DomainEventOf<typeof reservation>, { type: 'ReservationLapsed' }>;
type Publication = Extract<
  DomainEventOf<typeof article>,
  { type: 'ArticlePublished' | 'ArticleUnpublished' | 'ArticleDeleted' | 'ArticleRestored' }
>;

const byUser = (event: { readonly data: { readonly userId: string } }) => event.data.userId;
const byBoth = ({ data }: FollowDomainEvent) => [data.userId, data.followerId];
const byAuthor = (event: { readonly data: { readonly authorId: string } }) => event.data.authorId;

/** A lapsed reservation stands in the stream of whoever wanted the key: it moves that stream's revision. */
export const lapsesOf = (category: string) => (event: DomainEvent) =>
  streamCategory(event.stream) === category ? streamId(event.stream) : [];

export const profileKeys = {
  UserRegistered: byUser,
  ProfileUpdated: byUser,
  PermissionGranted: byUser,
  PermissionRevoked: byUser,
  UserDisabled: byUser,
  UserEnabled: byUser,
  PasswordChanged: byUser,
  EmailConfirmed: byUser,
  AvatarChanged: byUser,
  UserErased: byUser,
  ReservationLapsed: lapsesOf('user'),
  ArticlePublished: byAuthor,
  ArticleUnpublished: byAuthor,
  ArticleDeleted: byAuthor,
  ArticleRestored: byAuthor,
  UserFollowed: byBoth,
  UserUnfollowed: byBoth,
};

/** Folds one event into its person's profile. */
export function evolveProfile(
  current: ProfileDoc | null,
  event: Change | Lapse | Publication | FollowDomainEvent,
  userId: string,
): ProfileDoc | null {
  if (event.type === 'UserRegistered') return register(event);
  if (!current) return null;
  switch (event.type) {
    case 'ProfileUpdated':
      return { ...update(current, event.data), revision: event.revision };
    case 'PermissionGranted':
    case 'PermissionRevoked':
    case 'UserDisabled':
    case 'UserEnabled':
    case 'PasswordChanged':
    case 'EmailConfirmed':
    case 'ReservationLapsed':
      return { ...current, revision: event.revision };
    case 'UserFollowed':
      return follows(current, event.data, userId, 1);
    case 'UserUnfollowed':
      return follows(current, event.data, userId, -1);
    case 'AvatarChanged':
      return { ...current, avatarUrl: avatarUrl(event.data.avatarId), revision: event.revision };
    case 'UserErased':
      return { ...erased(current), revision: event.revision };
    case 'ArticlePublished':
    case 'ArticleUnpublished':
    case 'ArticleDeleted':
    case 'ArticleRestored': {
      const change = publicationChange(event);
      return change === 0
        ? current
        : { ...current, articleCount: Math.max(0, current.articleCount + change) };
    }
  }
}

/** Counts on the side of `userId`: who is followed, or who follows. */
function follows(
  current: ProfileDoc,
  { userId: followed }: FollowDomainEvent['data'],
  userId: string,
  change: 1 | -1,
): ProfileDoc {
  const field = userId === followed ? 'followerCount' : 'followingCount';
  return { ...current, [field]: Math.max(0, current[field] + change) };
}

function register(event: Extract<Change, { type: 'UserRegistered' }>): ProfileDoc {
  const { data, metadata, revision } = event;
  const username = data.username === ERASED ? null : data.username;
  const names = { firstName: plain(data.firstName), lastName: plain(data.lastName) };
  return {
    id: data.userId,
    username,
    usernameLower: username?.toLowerCase() ?? null,
    ...names,
    displayName: displayName({ username, ...names }),
    bio: '',
    website: null,
    avatarUrl: null,
    joinedAt: metadata.occurredAt,
    followerCount: 0,
    followingCount: 0,
    articleCount: 0,
    revision,
  };
}

/** What is left of a person: the same as what is folded once the key of the personal data is gone. */
function erased(current: ProfileDoc): ProfileDoc {
  const names = { username: null, firstName: '', lastName: '' };
  const profile = { bio: '', website: null, avatarUrl: null };
  return { ...current, ...names, ...profile, usernameLower: null, displayName: displayName(names) };
}

function update(current: ProfileDoc, data: Extract<Change, { type: 'ProfileUpdated' }>['data']): ProfileDoc {
  const next = {
    ...current,
    firstName: plain(data.firstName ?? current.firstName),
    lastName: plain(data.lastName ?? current.lastName),
    bio: plain(data.bio ?? current.bio),
    website: data.website === undefined ? current.website : data.website && (plain(data.website) || null),
  };
  return { ...next, displayName: displayName(next) };
}

function plain(value: string): string {
  return value === ERASED ? '' : value;
}
