/** Events of views: how often articles were read. Streams: `views-<viewsId>`, one per batch. */
import { z } from 'zod';
import { defineAggregate, defineEvent, type EventOf } from '../kit/event.ts';
import { uuid } from '../kit/primitives.ts';

/** What one process counted within a few seconds, of all articles at once. Nobody is named. */
export const views = defineAggregate('views', {
  ViewsCounted: defineEvent({
    version: 1,
    data: z.object({
      viewsId: uuid,
      /** Each article once. */
      articles: z.array(z.object({ articleId: uuid, count: z.int().positive() })),
    }),
  }),
});

export type ViewsEvent = EventOf<typeof views>;
