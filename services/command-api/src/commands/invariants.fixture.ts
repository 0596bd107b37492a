/** What holds of every stream, whatever commands made it: by category, for each event and the states around it. */
import type { DomainEvent } from '@annals/contracts/kit/event';
import type { FollowState } from '../identity/domain/follow.ts';
import type { UserState } from '../identity/domain/user.ts';
import { MAX_OPEN, type VerificationState } from '../identity/domain/verification.ts';
import type { ArticleState } from '../publishing/domain/article.ts';
import type { CategoryState } from '../publishing/domain/category.ts';
import type { CommentState } from '../publishing/domain/comment.ts';
import type { LikeState } from '../publishing/domain/like.ts';
import type { ReservationState } from '../reservations/domain/reservation.ts';
import { deciders } from './histories.fixture.ts';

/** What is wrong with an event that was written between two states; null where nothing is. */
type Invariant<State> = (before: State, event: DomainEvent, after: State) => string | null;

/** The first sentence whose condition does not hold. */
function firstBroken(...rules: readonly (readonly [holds: boolean, sentence: string])[]): string | null {
  return rules.find(([holds]) => !holds)?.[1] ?? null;
}

const hasContent = (html: string) => /<img/.test(html) || html.replace(/<[^>]*>/g, '').trim() !== '';

const article: Invariant<ArticleState> = (before, { type, revision, data }, after) => {
  const { title, tags, slug } = data as { title?: string; tags?: readonly string[]; slug?: string };
  if (after.status === 'none') return 'an article is never undone';
  return firstBroken(
    [type !== 'ArticleCreated' || before.status === 'none', 'it is created once'],
    [before.status !== 'none' || type === 'ArticleCreated', 'nothing precedes its creation'],
    [
      before.status !== 'deleted' || type === 'ArticleRestored',
      'what is deleted takes nothing but a restoration',
    ],
    [type !== 'ArticleRestored' || before.status === 'deleted', 'only what is deleted is restored'],
    [type !== 'ArticlePublished' || before.status === 'draft', 'only drafts are published'],
    [type !== 'ArticleUnpublished' || before.status === 'published', 'only publications are unpublished'],
    [after.status !== 'published' || hasContent(after.content), 'a publication has content'],
    [
      slug === undefined || before.status === 'none' || !before.isSlugPinned,
      'once published it keeps its slug',
    ],
    [title === undefined || title.trim().length >= 5, 'titles are no shorter than allowed'],
    [type !== 'ArticleUpdated' || revision > 0, 'changes come after the creation'],
    [
      tags === undefined || JSON.stringify(tags) === JSON.stringify(after.tags),
      'events say the tags as they are',
    ],
    [
      type !== 'ArticleRestored' ||
        (before.status === 'deleted' && (after.status === 'published') === before.wasPublished),
      'it comes back as it was',
    ],
  );
};

const user: Invariant<UserState> = (before, { type, data }, after) => {
  const { permission } = data as { permission?: string };
  const held = before.status === 'registered' ? (before.permissions as readonly string[]) : [];
  const isDisabled = before.status === 'registered' && before.isDisabled;
  return firstBroken(
    [after.status !== 'unregistered', 'an account is never undone'],
    [before.status !== 'erased', 'nothing follows an erasure'],
    [(type === 'UserErased') === (after.status === 'erased'), 'only an erasure ends it'],
    [(type === 'UserRegistered') === (before.status === 'unregistered'), 'it is registered first, and once'],
    [type !== 'PermissionGranted' || !held.includes(permission ?? ''), 'a permission is granted once'],
    [type !== 'PermissionRevoked' || held.includes(permission ?? ''), 'only what is held is revoked'],
    [type !== 'UserDisabled' || !isDisabled, 'it is disabled once'],
    [type !== 'UserEnabled' || isDisabled, 'only the disabled are enabled'],
  );
};

/** Each event is a request of its own. */
const verification: Invariant<VerificationState> = (_before, _event, after) =>
  firstBroken([
    Math.max(after.resets.length, after.emails.length) <= MAX_OPEN,
    'a few requests are remembered',
  ]);

const dataExport: Invariant<unknown> = (_before, { revision }) =>
  firstBroken([revision === 0, 'an export is requested once']);

const like: Invariant<LikeState> = (before, { type }, after) =>
  firstBroken(
    [before.isLiked !== after.isLiked, 'likes and their ends alternate'],
    [(type === 'ArticleLiked') === after.isLiked, 'a like is one'],
  );

const follow: Invariant<FollowState> = (before, { type, data }, after) => {
  const { userId, followerId } = data as { userId: string; followerId: string };
  return firstBroken(
    [before.isFollowing !== after.isFollowing, 'followings and their ends alternate'],
    [(type === 'UserFollowed') === after.isFollowing, 'a following is one'],
    [userId !== followerId, 'nobody follows themselves'],
  );
};

const comment: Invariant<CommentState> = (before, { type }) =>
  firstBroken(
    [(type === 'CommentAdded') === (before.status === 'none'), 'a comment is said first, and once'],
    [type !== 'CommentHidden' || (before.status === 'added' && !before.isHidden), 'it is hidden once'],
  );

const category: Invariant<CategoryState> = (before, { type }, after) => {
  if (after.status === 'none') return 'a category is never undone';
  return firstBroken(
    [(type === 'CategoryCreated') === (before.status === 'none'), 'it is created first, and once'],
    [type !== 'CategoryRetired' || before.status === 'open', 'it is retired once'],
    [
      type !== 'CategoryRenamed' ||
        (before.status !== 'none' && (before.name !== after.name || before.slug !== after.slug)),
      'a new name is another one',
    ],
    [before.status !== 'retired' || after.status === 'retired', 'what is retired stays so'],
  );
};

const reservation: Invariant<ReservationState> = (before, { type, data }) => {
  const { by, attempt } = data as { by: string; attempt: string };
  const isTheirs = before.status !== 'free' && before.by === by;
  return firstBroken(
    [type !== 'KeyHeld' || isTheirs, 'what is held was reserved by its holder'],
    [
      type !== 'KeyReleased' || (isTheirs && before.attempt === attempt),
      'only whoever has a key gives it back',
    ],
  );
};

/** By category of streams. */
export const invariants: Readonly<Record<string, Invariant<never>>> = {
  article,
  user,
  category,
  verification,
  export: dataExport,
  like,
  follow,
  comment,
  reservation,
};

/** Throws where an event of a stream breaks an invariant of its category. */
export function checkHistory(category: string, stream: string, events: readonly DomainEvent[]): void {
  const decider = deciders.get(category);
  const invariant = invariants[category] as Invariant<unknown> | undefined;
  if (!decider || !invariant) throw new Error(`nothing is known of ${category}`);
  let state: unknown = decider.initial;
  for (const [index, event] of events.entries()) {
    if (event.revision !== index) throw new Error(`${stream} has a gap before revision ${event.revision}`);
    // Fences belong to the handler: no aggregate knows of them.
    if (event.type === 'ReservationLapsed') continue;
    const next = decider.evolve(state, event);
    const broken = invariant(state, event, next);
    if (broken) throw new Error(`${stream}, ${event.type} at ${index}: ${broken}`);
    state = next;
  }
}
