/** Events of a category. Streams: `category-<categoryId>`. */
import { z } from 'zod';
import { type DomainEventOf, defineAggregate, defineEvent, type EventOf } from '../kit/event.ts';
import { uuid } from '../kit/primitives.ts';

const subject = { categoryId: uuid };

/** A category that articles stand under. A retired one takes no new articles, and those that it has stay in it. */
export const category = defineAggregate('category', {
  CategoryCreated: defineEvent({
    version: 1,
    data: z.object({ ...subject, name: z.string(), slug: z.string() }),
  }),
  /** Has this name and this slug from here on. */
  CategoryRenamed: defineEvent({
    version: 1,
    data: z.object({ ...subject, name: z.string(), slug: z.string() }),
  }),
  CategoryRetired: defineEvent({ version: 1, data: z.object(subject) }),
});

export type CategoryEvent = EventOf<typeof category>;
export type CategoryDomainEvent = DomainEventOf<typeof category>;
