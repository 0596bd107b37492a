/** Tells the worker of drafts that nobody has touched for long [P14]. */
import { timestampInput } from '@annals/contracts/kit/primitives';
import { bindInternal } from '@annals/platform/http/bound-routes';
import { z } from 'zod';
import { raw, sql } from '../lists/sql.ts';
import { defineInternalQueries } from '../queries.ts';
import { articleList } from '../views.ts';

const query = z.strictObject({
  /** The latest time of a last change. */
  before: timestampInput,
  /** Where a page ended: the time of its last draft's last change, and the draft's id. */
  after: z
    .string()
    .regex(/^[^ ]+ [0-9a-f-]{36}$/)
    .transform((text) => text.split(' ', 2))
    .pipe(z.tuple([timestampInput, z.uuid()]))
    .optional(),
  limit: z
    .string()
    .regex(/^[1-9]\d{0,2}$/)
    .transform(Number),
});

interface Row {
  readonly id: string;
  readonly revision: number;
  readonly at: string;
}

/** Those that are to be published later don't count. Deciding is command-api's: the view may be behind. */
export const untouchedDrafts = defineInternalQueries((context) => [
  bindInternal(
    { method: 'GET', path: '/internal/articles/untouched-drafts', query },
    async ({ query: { before, after, limit }, signal }) => {
      const { data } = await context.read(
        { minPosition: null, waitMs: 0, signal },
        { views: [articleList] },
        (reader) =>
          reader.rows<Row>(sql`
            select t.key as id, (t.doc ->> 'revision')::integer as revision, t.doc ->> 'updatedAt' as at
            from ${articleList.table} t
            where not t.is_public and not t.is_deleted and t.updated_at <= ${before}::timestamptz
              ${after ? sql`and (t.updated_at, t.key) > (${after[0]}::timestamptz, ${after[1]})` : raw('')}
              and t.doc ->> 'publishAt' is null
            order by t.updated_at, t.key limit ${raw(limit)}`),
      );
      const last = data.length < limit ? undefined : data.at(-1);
      const body = {
        drafts: data.map(({ id, revision }) => ({ id, revision })),
        next: last ? `${last.at} ${last.id}` : null,
      };
      return { status: 200, body };
    },
  ),
]);
