/** What other systems may know of people: that they are there. Names and addresses are fetched through the API. */
import { z } from 'zod';
import { timestamp, uuid } from '../kit/primitives.ts';
import { defineTopicEvents, defineTopicState } from '../kit/topic.ts';
import { user } from './user.events.ts';

const id = uuid.meta({ description: 'The user' });
const subject = (event: { readonly data: { readonly userId: string } }) => event.data.userId;
const onlyId = (event: { readonly data: { readonly userId: string } }) => ({ id: event.data.userId });

export const userTopicEvents = defineTopicEvents('identity', user, {
  UserRegistered: {
    name: 'user-registered',
    version: 1,
    summary: 'Somebody has joined',
    data: z.object({ id, imported: z.boolean().meta({ description: 'By an import, not by themselves' }) }),
    subject,
    of: ({ data }) => ({ id: data.userId, imported: data.imported }),
  },
  ProfileUpdated: {
    name: 'profile-updated',
    version: 1,
    summary: 'A profile has changed: fetch it',
    data: z.object({ id }),
    subject,
    of: onlyId,
  },
  UserDisabled: {
    name: 'user-disabled',
    version: 1,
    summary: 'Staff have shut a user out',
    data: z.object({ id }),
    subject,
    of: onlyId,
  },
  UserEnabled: {
    name: 'user-enabled',
    version: 1,
    summary: 'Staff have let a user in again',
    data: z.object({ id }),
    subject,
    of: onlyId,
  },
  UserErased: {
    name: 'user-erased',
    version: 1,
    summary: 'A user is gone for good: forget what you know of them',
    data: z.object({ id }),
    subject,
    of: onlyId,
  },
});

const state = z.object({
  id,
  registeredAt: timestamp,
  isDisabled: z.boolean(),
  revision: z.int().nonnegative().meta({ description: 'Grows with every change' }),
});
type UserState = z.infer<typeof state>;

export const userTopicState = defineTopicState<UserState>()('identity', user, {
  name: 'user-state',
  version: 1,
  summary: 'A user',
  data: state,
  handles: ['UserRegistered', 'UserDisabled', 'UserEnabled', 'UserErased'],
  evolve(current, { type, data, metadata, revision }) {
    if (type === 'UserRegistered')
      return { id: data.userId, registeredAt: metadata.occurredAt, isDisabled: false, revision };
    if (type === 'UserErased') return null;
    return current && { ...current, isDisabled: type === 'UserDisabled', revision };
  },
  publicOf: (known) => known,
});
