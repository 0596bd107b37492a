/** Deletes drafts that nobody has touched for long, every night at 02:00 UTC; they can be restored [P14]. */
import pLimit from 'p-limit';
import { z } from 'zod';
import { addJobs } from '../jobs/add-jobs.ts';
import { defineTask, type JobRequest, type TaskServices } from '../jobs/task.ts';

const NAME = 'clean-drafts';
/** Drafts of one question, and commands under way at once. */
const PAGE = 200;
const CONCURRENCY = 8;
/** Questions of one job; another job goes on where it ends. */
const PAGES = 10;

const payload = z.object({
  /** The night, as the clock's own jobs say it. */
  _cron: z.object({ ts: z.iso.datetime() }).optional(),
  /** As a job that goes on says it: the latest time of a draft's last change, and the draft to go on after. */
  before: z.string().optional(),
  after: z.string().optional(),
});

const page = z.object({
  drafts: z.array(z.object({ id: z.string(), revision: z.int() })),
  /** Where the next page begins; null: this was the last one. */
  next: z.string().nullable(),
});

/** The view may be behind: command-api deletes what is still a draft of the very revision that was found. */
export const cleanDrafts = defineTask({
  name: NAME,
  cron: '0 2 * * *',
  payload,
  async run({ _cron: night, before: begun, after: start }, services) {
    const before = begun ?? daysBefore(night?.ts, services.draftsKeptDays);
    let after = start;
    for (let pages = 0; pages < PAGES; pages++) {
      const next = await cleanPage(before, after, services);
      if (next === null) return;
      after = next;
    }
    if (after !== undefined) await addJobs(services.pool, [onward(before, after)]);
  },
});

function daysBefore(night: string | undefined, days: number): string {
  return new Date((night === undefined ? Date.now() : Date.parse(night)) - days * 86_400_000).toISOString();
}

/** Deletes one page of drafts; gives where the next begins. */
async function cleanPage(
  before: string,
  after: string | undefined,
  { commands, queries }: TaskServices,
): Promise<string | null> {
  const { drafts, next } = page.parse(
    await queries.get('/internal/articles/untouched-drafts', {
      ...{ before, limit: String(PAGE) },
      ...(after === undefined ? {} : { after }),
    }),
  );
  const limit = pLimit(CONCURRENCY);
  await Promise.all(
    drafts.map(({ id: articleId, revision }) =>
      limit(() =>
        commands.post(
          '/internal/articles/delete-untouched',
          { articleId, revision },
          `delete-untouched:${articleId}:${revision}`,
        ),
      ),
    ),
  );
  return next;
}

function onward(before: string, after: string): JobRequest {
  return { task: NAME, key: `${NAME}:${after}`, payload: { before, after } };
}
