/** An article as of an earlier revision or time [P13], from what its history says was set until then. */

import { Problem } from '@annals/contracts/problems';
import type { ArticleDetailsDoc, HistoryFields } from '@annals/contracts/publishing/docs';
import { all, type Sql, sql } from '../lists/sql.ts';
import type { Reader } from '../queries.ts';
import { articleHistory } from '../views.ts';

/** What a history says of some moment. */
export interface PastState {
  readonly fields: Partial<HistoryFields>;
  /** The change that made it so; null where there was nothing yet. */
  readonly last: { readonly revision: number; readonly at: string; readonly updatedBy: string | null } | null;
}

/** Reads the state as of `asOf`: a revision, or a time. */
export async function stateAsOf(reader: Reader, articleId: string, asOf: string): Promise<PastState> {
  const until = /^\d+$/.test(asOf) ? sql`h.revision <= ${Number(asOf)}` : sql`h.at <= ${asOf}::timestamptz`;
  const where = all([sql`h.article_id = ${articleId}`, until]);
  const [fields, [last]] = await Promise.all([
    reader.rows<{ field: string; value: unknown }>(latestFields(where)),
    reader.rows<NonNullable<PastState['last']>>(lastChange(where)),
  ]);
  return { fields: Object.fromEntries(fields.map(({ field, value }) => [field, value])), last: last ?? null };
}

function latestFields(where: Sql): Sql {
  return sql`select distinct on (f.key) f.key as field, f.value
    from ${articleHistory.table} h, json_each(h.doc -> 'set') f
    where ${where} order by f.key, h.revision desc`;
}

function lastChange(where: Sql): Sql {
  return sql`select h.revision, h.doc ->> 'at' as at,
      case when h.doc ->> 'type' <> 'ArticleCreated' then h.doc ->> 'by' end as "updatedBy"
    from ${articleHistory.table} h where ${where} order by h.revision desc limit 1`;
}

/**
 * The article with everything that its history follows as of then; counts and comments are those of now. Throws
 * `not-found` where it was not there then, or has no such revision yet.
 */
export function asOfThen(
  doc: ArticleDetailsDoc,
  asOf: string,
  { fields, last }: PastState,
): ArticleDetailsDoc {
  const isFuture = /^\d+$/.test(asOf) && Number(asOf) > doc.summary.revision;
  if (!last || isFuture || fields.isDeleted)
    throw new Problem('not-found', 'The article was not there then.');
  const { content = '', ...past } = fields;
  const { revision, at, updatedBy } = last;
  const summary = {
    ...doc.summary,
    isPublished: false,
    publishedAt: null,
    categoryId: null,
    publishAt: null,
    isFeatured: false,
    ...past,
    revision,
    updatedAt: at,
    updatedBy,
  };
  return { ...doc, summary, content };
}
