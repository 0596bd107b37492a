/** An article as of an earlier revision or time [P13], from what its history says was set until then. */

import { Problem } from '@annals/contracts/problems';
import { type ArticleDetailsDoc, type HistoryFields, historyKey } from '@annals/contracts/publishing/docs';
import type { ViewKey } from '@annals/platform/read-store/documents';
import { all, type Sql, sql } from '../lists/sql.ts';
import type { Reader } from '../queries.ts';
import { articleHistory } from '../views.ts';

/** What a history says of some moment. */
export interface PastState {
  readonly fields: Partial<HistoryFields>;
  /** The change that made it so; null where there was nothing yet. */
  readonly last: { readonly revision: number; readonly at: string; readonly updatedBy: string | null } | null;
}

/** The rows that an article's state at a revision follows from. */
export function changesUntil(articleId: string, revision: number): readonly ViewKey[] {
  return Array.from({ length: revision + 1 }, (_, at) => ({
    view: articleHistory.name,
    key: historyKey(articleId, at),
  }));
}

/** Reads the state as of `asOf`: a revision, or a time. */
export async function stateAsOf(reader: Reader, articleId: string, asOf: string): Promise<PastState> {
  const until = /^\d+$/.test(asOf) ? sql`h.revision <= ${Number(asOf)}` : sql`h.at <= ${asOf}::timestamptz`;
  const where = all([sql`h.article_id = ${articleId}`, until]);
  const [fields, [last]] = await Promise.all([
    reader.rows<{ field: string; value: unknown }>(latestFields(articleId, where)),
    reader.rows<NonNullable<PastState['last']>>(lastChange(where)),
  ]);
  return { fields: Object.fromEntries(fields.map(({ field, value }) => [field, value])), last: last ?? null };
}

/** Finds the newest revision of each field first: contents are large. */
function latestFields(articleId: string, where: Sql): Sql {
  return sql`select newest.field, h.doc -> 'set' -> newest.field as value
    from (
      select field, max(h.revision) as revision from ${articleHistory.table} h, unnest(h.fields) field
      where ${where} group by field
    ) newest
    join ${articleHistory.table} h on h.article_id = ${articleId} and h.revision = newest.revision`;
}

/** The newest change, and who made the newest one that somebody made to what was there. */
function lastChange(where: Sql): Sql {
  return sql`select h.revision, h.doc ->> 'at' as at, (
      select h.changed_by from ${articleHistory.table} h
      where ${where} and h.changed_by is not null order by h.revision desc limit 1
    ) as "updatedBy"
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
