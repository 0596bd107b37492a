/** Sample events for the specifications of projections. */
import type { GivenEvent } from '@annals/testing/projection-spec';

export const ADA = '01990000-0000-7000-8000-00000000000a';
export const GRACE = '01990000-0000-7000-8000-00000000000b';
export const ARTICLE = '01990000-0000-7000-8000-000000000001';
export const CATEGORY = '01990000-0000-7000-8000-0000000000d1';
export const COMMENT = '01990000-0000-7000-8000-0000000000c1';

const subject = { articleId: ARTICLE, authorId: ADA };

export function registered(data: object = {}): GivenEvent {
  const person = {
    userId: ADA,
    username: 'Ada.L',
    email: 'ada@example.org',
    firstName: 'Ada',
    lastName: 'Lovelace',
  };
  return { type: 'UserRegistered', data: { ...person, imported: false, ...data } };
}

export function ofUser(type: string, data: object = {}): GivenEvent {
  return { type, data: { userId: ADA, ...data } };
}

export function created(data: object = {}): GivenEvent {
  const content = '<p>Some <b>words</b>.</p>';
  const article = { title: 'On Enginés', slug: 'on-engines', content, tags: ['one'], externalId: null };
  return {
    type: 'ArticleCreated',
    data: { ...subject, ...article, ...data },
    actor: { kind: 'user', id: ADA },
  };
}

export function categoryCreated(): GivenEvent {
  return { type: 'CategoryCreated', data: { categoryId: CATEGORY, name: 'Machines', slug: 'machines' } };
}

export function updated(data: object): GivenEvent {
  const event = { type: 'ArticleUpdated', data: { ...subject, isPublished: false, ...data } };
  return { ...event, actor: { kind: 'user', id: GRACE } };
}

export function published(tags: readonly string[] = ['one'], more: object = {}): GivenEvent {
  const publishedAt = '2025-05-05T05:05:05.000Z';
  return {
    type: 'ArticlePublished',
    data: { ...subject, publishedAt, tags, ...more },
    actor: { kind: 'service', id: 'worker' },
  };
}

export function unpublished(more: object = {}): GivenEvent {
  return { type: 'ArticleUnpublished', data: { ...subject, tags: ['one'], ...more } };
}

export function deleted(wasPublished: boolean): GivenEvent {
  return { type: 'ArticleDeleted', data: { ...subject, wasPublished, tags: ['one'] } };
}

export function restored(isPublished: boolean): GivenEvent {
  return { type: 'ArticleRestored', data: { ...subject, isPublished, tags: ['one'] } };
}

export function ofArticle(type: string, data: object = {}): GivenEvent {
  return { type, data: { ...subject, ...data }, actor: { kind: 'user', id: GRACE } };
}

export function liked(userId: string, type: 'ArticleLiked' | 'ArticleUnliked' = 'ArticleLiked'): GivenEvent {
  return { type, data: { articleId: ARTICLE, userId }, stream: `like-${ARTICLE}.${userId}` };
}

export function commented(commentId = COMMENT, content = 'Indeed.'): GivenEvent {
  return {
    type: 'CommentAdded',
    data: { commentId, articleId: ARTICLE, authorId: GRACE, parentId: null, content },
  };
}

export function followed(
  data: { userId: string; followerId: string },
  type: 'UserFollowed' | 'UserUnfollowed' = 'UserFollowed',
): GivenEvent {
  return { type, data, stream: `follow-${data.followerId}.${data.userId}` };
}

/** A lapse in somebody's stream. */
export function lapsed(stream: string): GivenEvent {
  return { type: 'ReservationLapsed', data: { key: 'reservation-x', attempt: COMMENT }, stream };
}
