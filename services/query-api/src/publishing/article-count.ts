/** Exact counts of the article lists that a counter is kept for: all, one author's, one tag's, one category's. */
import type { FilterClause, ListRequest } from '@annals/contracts/kit/list';
import { counterKeys } from '@annals/contracts/publishing/docs';
import { idOfPerson } from '../identity/person-json.ts';
import { all, raw, type Sql, sql } from '../lists/sql.ts';
import { articleCounters, articleList } from '../views.ts';
import { conditionOf } from './article-filters.ts';
import { idOfCategory } from './category-json.ts';
import type { Viewer } from './standing.ts';

/** The number of articles, from its counter and, for authors, their own drafts; undefined where none is kept. */
export function countOf({ userId, isStaff }: Viewer, { filters }: ListRequest): Sql | undefined {
  // Counters know publications alone, and staff see everybody's drafts.
  if (isStaff) return undefined;
  const others = filters.filter((clause) => !asksForPublished(clause));
  const key = keyOf(others);
  if (!key) return undefined;
  const published = sql`coalesce((select c.count from ${articleCounters.table} c where c.key = ${key}), 0)`;
  const isPublishedOnly = others.length < filters.length;
  if (userId === null || isPublishedOnly) return published;
  const own = [
    raw('not t.is_public and not t.is_deleted'),
    sql`t.author_id = ${userId}`,
    ...others.map(conditionOf),
  ];
  return sql`${published} + (select count(*) from ${articleList.table} t where ${all(own)})`;
}

function asksForPublished({ field, values }: FilterClause): boolean {
  return field === 'isPublished' && values.every((value) => value === 'true');
}

/** The key of the counter of these filters. */
function keyOf(filters: readonly FilterClause[]): Sql | undefined {
  const [filter, another] = filters;
  if (!filter) return sql`${counterKeys.all}`;
  const [value, second] = filter.values;
  if (another || filter.operator !== 'eq' || value === undefined || second !== undefined) return undefined;
  if (filter.field === 'tag') return sql`${counterKeys.tag(value)}`;
  if (filter.field === 'category') return sql`(${counterKeys.category('')} || ${idOfCategory(value)})`;
  if (filter.field !== 'author') return undefined;
  return sql`(${counterKeys.author('')} || ${idOfPerson(value)})`;
}
