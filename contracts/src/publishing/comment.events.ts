/** Events of a comment. Streams: `comment-<commentId>`. */
import { z } from 'zod';
import { type DomainEventOf, defineAggregate, defineEvent, type EventOf } from '../kit/event.ts';
import { uuid } from '../kit/primitives.ts';

/** A comment on an article, or a reply to another comment of the same article. */
export const comment = defineAggregate('comment', {
  CommentAdded: defineEvent({
    version: 1,
    data: z.object({
      commentId: uuid,
      articleId: uuid,
      authorId: uuid,
      parentId: uuid.nullable(),
      /** Plain text. */
      content: z.string(),
    }),
  }),
  /** A moderator hides it: it stays where it is, and others no longer see what it says. */
  CommentHidden: defineEvent({
    version: 1,
    data: z.object({ commentId: uuid, articleId: uuid, reason: z.string() }),
  }),
});

export type CommentEvent = EventOf<typeof comment>;
export type CommentDomainEvent = DomainEventOf<typeof comment>;
