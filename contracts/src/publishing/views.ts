/** What queries about articles answer with. */
import { z } from 'zod';
import { personSummary } from '../identity/views.ts';
import { timestamp, uuid } from '../kit/primitives.ts';
import { categorySummary } from './category.views.ts';

/** An article in a list. */
export const articleSummary = z
  .object({
    id: uuid,
    slug: z.string(),
    title: z.string(),
    excerpt: z.string(),
    author: personSummary,
    updatedBy: uuid.nullable(),
    category: categorySummary.nullable(),
    tags: z.array(z.string()),
    documents: z.array(z.never()),
    isPublished: z.boolean(),
    isFeatured: z.boolean(),
    publishedAt: timestamp.nullable(),
    publishAt: timestamp.nullable(),
    createdAt: timestamp,
    updatedAt: timestamp,
    likeCount: z.int().nonnegative(),
    commentCount: z.int().nonnegative(),
    viewCount: z.int().nonnegative(),
    readingMinutes: z.int().nonnegative(),
    revision: z.int().nonnegative(),
    externalId: z.string().nullable(),
    highlights: z
      .object({ title: z.string(), content: z.string() })
      .optional()
      .meta({ description: 'Where there is a `search`: HTML, with what matches in `<mark>`' }),
  })
  .meta({ id: 'ArticleSummary' });
export type ArticleSummary = z.infer<typeof articleSummary>;
export const articleSummaryFields = Object.keys(articleSummary.shape);

/** A comment. */
export const commentView = z
  .object({
    id: uuid,
    articleId: uuid,
    parentId: uuid.nullable(),
    author: personSummary,
    content: z.string().meta({ description: 'Empty where it is hidden from the caller' }),
    createdAt: timestamp,
    isHidden: z.boolean(),
    hidden: z
      .object({ reason: z.string(), at: timestamp, by: uuid.nullable() })
      .optional()
      .meta({ description: 'Why, when and by whom it was hidden; its author and moderators see this' }),
  })
  .meta({ id: 'Comment' });
export type CommentView = z.infer<typeof commentView>;

/** An article as one screen shows it. */
export const articleDetail = articleSummary
  .omit({ highlights: true })
  .extend({
    content: z.string(),
    author: personSummary.extend({ articleCount: z.int().nullable(), followerCount: z.int().nullable() }),
    comments: z.array(commentView).max(10),
    isOwner: z.boolean(),
    canEdit: z.boolean(),
    isLiked: z.boolean(),
  })
  .meta({ id: 'ArticleDetail' });
export type ArticleDetail = z.infer<typeof articleDetail>;
export const articleDetailFields = Object.keys(articleDetail.shape);

/** One change of a history: which field went from what to what. `from` is null where there was nothing before. */
const fieldChange = z.object({ field: z.string(), from: z.unknown(), to: z.unknown() });

/** One entry of an article's history. */
export const historyEntry = z
  .object({
    revision: z.int().nonnegative(),
    type: z.string(),
    at: timestamp,
    by: personSummary.nullable(),
    changes: z.array(fieldChange),
  })
  .meta({ id: 'HistoryEntry' });
