/** Events of an article. Streams: `article-<articleId>`. */
import { z } from 'zod';
import { type DomainEventOf, defineAggregate, defineEvent, type EventOf } from '../kit/event.ts';
import { timestamp, uuid } from '../kit/primitives.ts';

/** Every event says whose article it is and what it was before, so that views can undo what it replaces. */
const subject = { articleId: uuid, authorId: uuid };

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
    }),
  }),
  ArticlePublished: defineEvent({
    version: 1,
    data: z.object({ ...subject, publishedAt: timestamp, tags: z.array(z.string()) }),
  }),
  ArticleUnpublished: defineEvent({ version: 1, data: z.object({ ...subject, tags: z.array(z.string()) }) }),
  ArticleDeleted: defineEvent({
    version: 1,
    data: z.object({ ...subject, wasPublished: z.boolean(), tags: z.array(z.string()) }),
  }),
  /** Comes back as it was when deleted. */
  ArticleRestored: defineEvent({
    version: 1,
    data: z.object({ ...subject, isPublished: z.boolean(), tags: z.array(z.string()) }),
  }),
});

export type ArticleEvent = EventOf<typeof article>;
export type ArticleDomainEvent = DomainEventOf<typeof article>;
