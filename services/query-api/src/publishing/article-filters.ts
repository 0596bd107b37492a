/** What the filters of article lists mean in SQL. `t` is the row of `article_list`. */
import type { FilterClause } from '@annals/contracts/kit/list';
import { foldTitle } from '@annals/contracts/publishing/docs';
import { isOneOf } from '../identity/person-json.ts';
import { any, containing, raw, type Sql, sql } from '../lists/sql.ts';
import { isInOneOf } from './category-json.ts';

type Meaning = (clause: FilterClause) => Sql;

const comparisons: Partial<Record<FilterClause['operator'], string>> = {
  gte: '>=',
  lte: '<=',
  gt: '>',
  lt: '<',
};

const meanings: Readonly<Record<string, Meaning>> = {
  author: (clause) => negatable(clause, isOneOf(raw('t.author_id'), clause.values)),
  category: (clause) => negatable(clause, isInOneOf(raw('t.category_id'), clause.values)),
  tag: (clause) => negatable(clause, sql`t.tags && ${clause.values}::text[]`),
  isPublished: ({ values }) => flag('t.is_public', values),
  isFeatured: ({ values }) => flag('t.is_featured', values),
  externalId: ({ values }) => sql`t.external_id = any (${values}::text[])`,
  createdAt: (clause) => compared('t.created_at', clause),
  // What is not published has no such time, and stands at -infinity.
  publishedAt: (clause) => sql`(t.is_public and ${compared('t.published_at', clause)})`,
  title: ({ values }) => any(values.map((value) => sql`t.title_folded like ${containing(foldTitle(value))}`)),
};

/** The condition of a filter. */
export function conditionOf(clause: FilterClause): Sql {
  const meaning = meanings[clause.field];
  if (!meaning) throw new Error(`no meaning for the filter ${clause.field}`);
  return meaning(clause);
}

function negatable({ operator }: FilterClause, condition: Sql): Sql {
  // Nobody by that name is nobody to leave out.
  return operator === 'not' ? sql`(${condition}) is not true` : condition;
}

/** In the form that partial indexes are made for. */
function flag(column: string, values: readonly string[]): Sql {
  return any([...new Set(values)].map((value) => raw(value === 'true' ? column : `not ${column}`)));
}

function compared(column: string, { operator, values }: FilterClause): Sql {
  return sql`${raw(`${column} ${comparisons[operator] ?? '='}`)} any (${values}::timestamptz[])`;
}
