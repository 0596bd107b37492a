/** The fold of an article's summary, shared by its list row and its document. */

import { reservation } from '@annals/contracts/identity/reservation.events';
import { type DomainEventOf, streamCategory, streamId } from '@annals/contracts/kit/event';
import { article } from '@annals/contracts/publishing/article.events';
import { comment } from '@annals/contracts/publishing/comment.events';
import type { ArticleListDoc } from '@annals/contracts/publishing/docs';
import { like } from '@annals/contracts/publishing/like.events';
import { views } from '@annals/contracts/publishing/views.events';
import { excerptOf, htmlToText, readingMinutes } from './html-text.ts';

export const articleAggregates = [article, like, comment, views, reservation] as const;

type Change = DomainEventOf<typeof article>;
type Lapse = Extract<DomainEventOf<typeof reservation>, { type: 'ReservationLapsed' }>;
type Views = DomainEventOf<typeof views>;
export type ArticleFoldEvent =
  | Change
  | DomainEventOf<typeof like>
  | DomainEventOf<typeof comment>
  | Views
  | Lapse;

/** The key of whatever belongs to an article alone. */
export const byArticle = (event: { readonly data: { readonly articleId: string } }) => event.data.articleId;

export const articleKeys = {
  ArticleCreated: byArticle,
  ArticleUpdated: byArticle,
  ArticlePublished: byArticle,
  ArticleUnpublished: byArticle,
  ArticleScheduled: byArticle,
  ArticleUnscheduled: byArticle,
  ArticleFeatured: byArticle,
  ArticleUnfeatured: byArticle,
  ArticleDeleted: byArticle,
  ArticleRestored: byArticle,
  ArticleLiked: byArticle,
  ArticleUnliked: byArticle,
  CommentAdded: byArticle,
  CommentHidden: byArticle,
  ViewsCounted: ({ data }: Views) => data.articles.map(({ articleId }) => articleId),
  ReservationLapsed: (event: Lapse) =>
    streamCategory(event.stream) === article.category ? streamId(event.stream) : [],
};

/** Folds one event into the summary of its article. Likes and comments of an unknown article stay unknown. */
export function evolveSummary(
  current: ArticleListDoc | null,
  event: ArticleFoldEvent,
): ArticleListDoc | null {
  if (event.type === 'ArticleCreated') return create(event);
  if (!current) return null;
  switch (event.type) {
    case 'ArticleLiked':
      return { ...current, likeCount: current.likeCount + 1 };
    case 'ArticleUnliked':
      return { ...current, likeCount: Math.max(0, current.likeCount - 1) };
    case 'CommentAdded':
      return { ...current, commentCount: current.commentCount + 1 };
    case 'CommentHidden':
      return current;
    case 'ViewsCounted':
      return { ...current, viewCount: current.viewCount + viewsOf(event, current.id) };
    case 'ReservationLapsed':
      return { ...current, revision: event.revision };
    default:
      return { ...current, ...changesOf(event, current), ...touch(event, current) };
  }
}

function viewsOf({ data }: Views, id: string): number {
  return data.articles.find(({ articleId }) => articleId === id)?.count ?? 0;
}

function create(event: Extract<Change, { type: 'ArticleCreated' }>): ArticleListDoc {
  const { data, metadata, revision } = event;
  return {
    id: data.articleId,
    slug: data.slug,
    title: data.title,
    ...contentFields(data.content),
    updatedBy: null,
    tags: data.tags,
    documents: [],
    isPublished: false,
    isFeatured: false,
    publishedAt: null,
    publishAt: null,
    createdAt: metadata.occurredAt,
    updatedAt: metadata.occurredAt,
    likeCount: 0,
    commentCount: 0,
    viewCount: 0,
    revision,
    externalId: data.externalId,
    authorId: data.authorId,
    categoryId: data.categoryId ?? null,
    isDeleted: false,
  };
}

function changesOf(
  event: Exclude<Change, { type: 'ArticleCreated' }>,
  current: ArticleListDoc,
): Partial<ArticleListDoc> {
  switch (event.type) {
    case 'ArticleUpdated': {
      const { title, slug, content, tags, categoryId } = event.data;
      return {
        title: title ?? current.title,
        slug: slug ?? current.slug,
        tags: tags ?? current.tags,
        categoryId: categoryId === undefined ? current.categoryId : categoryId,
        ...(content === undefined ? {} : contentFields(content)),
      };
    }
    case 'ArticlePublished':
      return { ...settings[event.type], publishedAt: event.data.publishedAt };
    case 'ArticleScheduled':
      return { publishAt: event.data.publishAt };
    default:
      return settings[event.type];
  }
}

/** What events set whose data need not say it: in the article as in its history. */
export const settings = {
  ArticlePublished: { isPublished: true, publishAt: null },
  ArticleUnpublished: { isPublished: false, publishedAt: null, isFeatured: false },
  ArticleUnscheduled: { publishAt: null },
  ArticleFeatured: { isFeatured: true },
  ArticleUnfeatured: { isFeatured: false },
  ArticleDeleted: { isDeleted: true, publishAt: null },
  ArticleRestored: { isDeleted: false },
} as const;

/** What follows from the content. */
export function contentFields(content: string): Pick<ArticleListDoc, 'excerpt' | 'readingMinutes'> {
  const text = htmlToText(content);
  return { excerpt: excerptOf(text), readingMinutes: readingMinutes(text) };
}

function touch({ metadata, revision }: Change, current: ArticleListDoc): Partial<ArticleListDoc> {
  const updatedBy = metadata.actor.kind === 'user' ? metadata.actor.id : current.updatedBy;
  return { updatedBy, updatedAt: metadata.occurredAt, revision };
}
