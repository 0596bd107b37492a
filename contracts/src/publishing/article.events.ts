/** Events of an article. Streams: `article-<articleId>`. */
import { z } from 'zod';
import { type DomainEventOf, defineAggregate, defineEvent, type EventOf } from '../kit/event.ts';
import { timestamp, uuid } from '../kit/primitives.ts';

/** Every event says whose article it is and what it was before, so that views can undo what it replaces. */
const subject = { articleId: uuid, authorId: uuid };
/** Under what an article is found; the category is left out where there is none. */
const place = { tags: z.array(z.string()), categoryId: uuid.optional() };

/** An article, from draft to deletion and back. */
export const article = defineAggregate('article', {
  ArticleCreated: defineEvent({
    version: 1,
    data: z.object({
      ...subject,
      title: z.string(),
      slug: z.string(),
      /** Sanitised HTML. */
      content: z.string(),
      tags: z.array(z.string()),
      externalId: z.string().nullable(),
      /** Left out where it stands under none. */
      categoryId: uuid.optional(),
    }),
  }),
  ArticleUpdated: defineEvent({
    version: 1,
    data: z.object({
      ...subject,
      isPublished: z.boolean(),
      title: z.string().optional(),
      slug: z.string().optional(),
      content: z.string().optional(),
      tags: z.array(z.string()).optional(),
      /** The tags before, where `tags` changed. */
      previousTags: z.array(z.string()).optional(),
      /** Null: under none any more. */
      categoryId: uuid.nullable().optional(),
      /** The category before, where `categoryId` changed. */
      previousCategoryId: uuid.nullable().optional(),
    }),
  }),
  ArticlePublished: defineEvent({
    version: 1,
    data: z.object({ ...subject, ...place, publishedAt: timestamp }),
  }),
  ArticleUnpublished: defineEvent({ version: 1, data: z.object({ ...subject, ...place }) }),
  /** A draft that is to be published at a time to come; an earlier such time counts no more. */
  ArticleScheduled: defineEvent({ version: 1, data: z.object({ ...subject, publishAt: timestamp }) }),
  /** Is not to be published by itself any more. Publishing and deleting end a schedule, too. */
  ArticleUnscheduled: defineEvent({ version: 1, data: z.object(subject) }),
  ArticleFeatured: defineEvent({ version: 1, data: z.object(subject) }),
  /** Unpublishing ends this, too. */
  ArticleUnfeatured: defineEvent({ version: 1, data: z.object(subject) }),
  ArticleDeleted: defineEvent({
    version: 1,
    data: z.object({
      ...subject,
      ...place,
      wasPublished: z.boolean(),
      /** Why, where it was not somebody’s wish: nobody had touched the draft for long. */
      reason: z.enum(['untouched']).optional(),
    }),
  }),
  /** Comes back as it was when deleted, but is not to be published by itself any more. */
  ArticleRestored: defineEvent({
    version: 1,
    data: z.object({ ...subject, ...place, isPublished: z.boolean() }),
  }),
});

export type ArticleEvent = EventOf<typeof article>;
export type ArticleDomainEvent = DomainEventOf<typeof article>;
