/** Events of one person's following of another. Streams: `follow-<followerId>.<userId>`. */
import { z } from 'zod';
import { type DomainEventOf, defineAggregate, defineEvent, type EventOf } from '../kit/event.ts';
import { uuid } from '../kit/primitives.ts';

/** `followerId` follows `userId`. */
const subject = { userId: uuid, followerId: uuid };

/** Following: there or not, in alternation, so counting events counts followers. */
export const follow = defineAggregate('follow', {
  UserFollowed: defineEvent({ version: 1, data: z.object(subject) }),
  UserUnfollowed: defineEvent({ version: 1, data: z.object(subject) }),
});

export type FollowEvent = EventOf<typeof follow>;
export type FollowDomainEvent = DomainEventOf<typeof follow>;
