/** What other systems may know of articles, likes and comments. Drafts are nobody's business; contents are fetched. */
import { z } from 'zod';
import { timestamp, uuid } from '../kit/primitives.ts';
import { defineTopicEvents, defineTopicState } from '../kit/topic.ts';
import { article } from './article.events.ts';
import { comment } from './comment.events.ts';
import { like } from './like.events.ts';

const id = uuid.meta({ description: 'The article' });
const authorId = uuid.meta({ description: 'Its author' });
const tags = z.array(z.string());
const categoryId = uuid.optional().meta({ description: 'Left out where it stands under none' });
const subject = (event: { readonly data: { readonly articleId: string } }) => event.data.articleId;
const ids = (event: { readonly data: { readonly articleId: string; readonly authorId: string } }) => ({
  id: event.data.articleId,
  authorId: event.data.authorId,
});

export const articleTopicEvents = defineTopicEvents('publishing', article, {
  ArticlePublished: {
    name: 'article-published',
    version: 1,
    summary: 'An article can be read by everyone',
    data: z.object({ id, authorId, publishedAt: timestamp, tags, categoryId }),
    subject,
    of: (event) => {
      const { publishedAt, tags, categoryId } = event.data;
      return { ...ids(event), publishedAt, tags, categoryId };
    },
  },
  ArticleUpdated: {
    name: 'article-updated',
    version: 1,
    summary: 'A published article has changed',
    data: z.object({
      id,
      authorId,
      title: z.string().optional().meta({ description: 'The new one, where it changed' }),
      slug: z.string().optional().meta({ description: 'The new one, where it changed' }),
      tags: tags.optional().meta({ description: 'The new ones, where they changed' }),
      categoryId: uuid
        .nullable()
        .optional()
        .meta({ description: 'The new one, where it changed; null: none any more' }),
      contentChanged: z.boolean(),
    }),
    subject,
    of: (event) => {
      const { isPublished, title, slug, tags, categoryId, content } = event.data;
      const contentChanged = content !== undefined;
      return isPublished ? { ...ids(event), title, slug, tags, categoryId, contentChanged } : null;
    },
  },
  ArticleUnpublished: {
    name: 'article-unpublished',
    version: 1,
    summary: 'An article has been withdrawn by its author',
    data: z.object({ id, authorId }),
    subject,
    of: ids,
  },
  ArticleDeleted: {
    name: 'article-deleted',
    version: 1,
    summary: 'A published article has been deleted',
    data: z.object({ id, authorId }),
    subject,
    of: (event) => (event.data.wasPublished ? ids(event) : null),
  },
  ArticleRestored: {
    name: 'article-restored',
    version: 1,
    summary: 'A deleted article can be read by everyone again',
    data: z.object({ id, authorId, tags, categoryId }),
    subject,
    of: (event) => {
      const { isPublished, tags, categoryId } = event.data;
      return isPublished ? { ...ids(event), tags, categoryId } : null;
    },
  },
});

export const likeTopicEvents = defineTopicEvents('publishing', like, {
  ArticleLiked: {
    name: 'article-liked',
    version: 1,
    summary: 'A reader likes an article',
    data: z.object({ id, userId: uuid }),
    subject,
    of: ({ data }) => ({ id: data.articleId, userId: data.userId }),
  },
  ArticleUnliked: {
    name: 'article-unliked',
    version: 1,
    summary: 'A reader no longer likes an article',
    data: z.object({ id, userId: uuid }),
    subject,
    of: ({ data }) => ({ id: data.articleId, userId: data.userId }),
  },
});

export const commentTopicEvents = defineTopicEvents('publishing', comment, {
  CommentAdded: {
    name: 'comment-added',
    version: 1,
    summary: 'Somebody has commented on an article: fetch it',
    data: z.object({
      id: uuid.meta({ description: 'The comment' }),
      articleId: uuid,
      authorId: uuid.meta({ description: 'Who commented' }),
      parentId: uuid.nullable().meta({ description: 'The comment that it answers' }),
    }),
    subject,
    of: ({ data }) => ({
      id: data.commentId,
      articleId: data.articleId,
      authorId: data.authorId,
      parentId: data.parentId,
    }),
  },
  CommentHidden: {
    name: 'comment-hidden',
    version: 1,
    summary: 'A moderator has hidden a comment: what it said is not to be shown any more',
    data: z.object({ id: uuid.meta({ description: 'The comment' }), articleId: uuid }),
    subject,
    of: ({ data }) => ({ id: data.commentId, articleId: data.articleId }),
  },
});

const state = z.object({
  id,
  authorId,
  title: z.string(),
  slug: z.string(),
  tags,
  categoryId,
  publishedAt: timestamp,
  updatedAt: timestamp,
  revision: z.int().nonnegative().meta({ description: 'Grows with every change' }),
});

interface Known extends Omit<z.infer<typeof state>, 'publishedAt'> {
  readonly publishedAt: string | null;
  readonly isDeleted: boolean;
}

export const articleTopicState = defineTopicState<Known>()('publishing', article, {
  name: 'article-state',
  version: 1,
  summary: 'A published article',
  data: state,
  handles: [
    'ArticleCreated',
    'ArticleUpdated',
    'ArticlePublished',
    'ArticleUnpublished',
    'ArticleScheduled',
    'ArticleUnscheduled',
    'ArticleFeatured',
    'ArticleUnfeatured',
    'ArticleDeleted',
    'ArticleRestored',
  ],
  evolve(current, { type, data, metadata, revision }) {
    const change = { revision, updatedAt: metadata.occurredAt };
    if (type === 'ArticleCreated') {
      const { articleId: id, authorId, title, slug, tags, categoryId } = data;
      return { id, authorId, title, slug, tags, categoryId, publishedAt: null, isDeleted: false, ...change };
    }
    if (!current) return null;
    switch (type) {
      case 'ArticleUpdated': {
        const { title = current.title, slug = current.slug, tags = current.tags } = data;
        const categoryId =
          data.categoryId === undefined ? current.categoryId : (data.categoryId ?? undefined);
        return { ...current, title, slug, tags, categoryId, ...change };
      }
      case 'ArticlePublished':
        return { ...current, publishedAt: data.publishedAt, ...change };
      case 'ArticleUnpublished':
        return { ...current, publishedAt: null, ...change };
      case 'ArticleDeleted':
        return { ...current, isDeleted: true, ...change };
      case 'ArticleRestored':
        return { ...current, isDeleted: false, ...change };
      default:
        return { ...current, ...change };
    }
  },
  publicOf({ isDeleted, publishedAt, ...rest }) {
    return isDeleted || publishedAt === null ? null : { ...rest, publishedAt };
  },
});
