/** What other systems may know of following: who follows whom. */
import { z } from 'zod';
import { uuid } from '../kit/primitives.ts';
import { defineTopicEvents } from '../kit/topic.ts';
import { type FollowDomainEvent, follow } from './follow.events.ts';

const data = z.object({
  id: uuid.meta({ description: 'The user' }),
  followerId: uuid.meta({ description: 'Who follows' }),
});
const subject = (event: FollowDomainEvent) => event.data.userId;
const of = (event: FollowDomainEvent) => ({ id: event.data.userId, followerId: event.data.followerId });

export const followTopicEvents = defineTopicEvents('identity', follow, {
  UserFollowed: {
    name: 'user-followed',
    version: 1,
    summary: 'Somebody follows a user',
    data,
    subject,
    of,
  },
  UserUnfollowed: {
    name: 'user-unfollowed',
    version: 1,
    summary: 'Somebody no longer follows a user',
    data,
    subject,
    of,
  },
});
