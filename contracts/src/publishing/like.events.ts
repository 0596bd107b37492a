/** Events of one reader's like of one article. Streams: `like-<articleId>.<userId>`. */
import { z } from 'zod';
import { type DomainEventOf, defineAggregate, defineEvent, type EventOf } from '../kit/event.ts';
import { uuid } from '../kit/primitives.ts';

const subject = { articleId: uuid, userId: uuid };

/** A like: there or not, in alternation, so counting events counts likers. */
export const like = defineAggregate('like', {
  ArticleLiked: defineEvent({ version: 1, data: z.object(subject) }),
  ArticleUnliked: defineEvent({ version: 1, data: z.object(subject) }),
});

export type LikeEvent = EventOf<typeof like>;
export type LikeDomainEvent = DomainEventOf<typeof like>;
