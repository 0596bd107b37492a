/** Publishes an article at the time that it was scheduled for [P4]. */
import { z } from 'zod';
import { defineTask, type JobRequest } from '../jobs/task.ts';

const payload = z.object({ articleId: z.string(), publishAt: z.string(), cause: z.string() });
const NAME = 'publish-scheduled';

/** With the pauses between them, attempts for about a week. */
const ATTEMPTS = 2_000;
const MAX_PAUSE_MS = 5 * 60_000;

/** Whether the schedule still counts is up to command-api, so that doing this twice, or in vain, does no harm. */
export const publishScheduled = defineTask({
  name: NAME,
  payload,
  retryMs: (attempt) => Math.min(attempt * 2_000, MAX_PAUSE_MS),
  run: ({ articleId, publishAt, cause }, { commands }) =>
    commands.post(
      '/internal/articles/publish-scheduled',
      { articleId, publishAt },
      `publish-scheduled:${cause}`,
    ),
});

/** The job of the schedule that the event `cause` made. */
export function publishingJob(
  cause: string,
  { articleId, publishAt }: { readonly articleId: string; readonly publishAt: string },
): JobRequest {
  return {
    task: NAME,
    key: `${NAME}:${cause}`,
    payload: { articleId, publishAt, cause },
    runAt: publishAt,
    attempts: ATTEMPTS,
  };
}
