/** What is to be published later becomes a job of that time [P4]. */
import type { DomainEvent } from '@annals/contracts/kit/event';
import type { ArticleEvent } from '@annals/contracts/publishing/article.events';
import type { Reaction } from '../reactions/reaction.ts';
import { publishingJob } from './publish-scheduled.task.ts';

type Scheduled = DomainEvent & Extract<ArticleEvent, { type: 'ArticleScheduled' }>;

/** Each schedule is a job of its own; one that counts no more by then does nothing. */
export const schedulePublications: Reaction = {
  kind: 'worker-reaction',
  name: 'schedule_publications',
  version: 1,
  handles: new Set(['ArticleScheduled'] satisfies Scheduled['type'][]),
  react: async (events) =>
    (events as readonly Scheduled[]).map(({ id, data: { articleId, publishAt } }) =>
      publishingJob(id, { articleId, publishAt }),
    ),
};
