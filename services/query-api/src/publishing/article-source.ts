/** Lists of articles for a caller. */
import type { ListRequest } from '@annals/contracts/kit/list';
import { joinPerson, personJson } from '../identity/person-json.ts';
import { firstKeyOf } from '../lists/cursor.ts';
import type { ListSource, Order, SortKey } from '../lists/source.ts';
import { all, nothing, raw, type Sql, sql } from '../lists/sql.ts';
import { articleCounters, articleList, articleSearch, categories, profiles, titleWords } from '../views.ts';
import { countOf } from './article-count.ts';
import { conditionOf } from './article-filters.ts';
import {
  highlights,
  joinSearched,
  matchClauses,
  orderOfKey,
  type Searched,
  searchClauses,
} from './article-search.ts';
import { categoryJson, joinCategory } from './category-json.ts';
import { type Rows, restorableBy, type Viewer, visibleTo } from './standing.ts';

const time = (column: string): SortKey => ({ value: raw(`t.${column}`), type: 'timestamptz' });
const number = (column: string): SortKey => ({ value: raw(`t.${column}`), type: 'integer' });

const RELEVANCE = 'relevance';
const NEWEST_FIRST: Order = { field: 'publishedAt', descending: true };
/** A deletion is the last change. */
const LAST_DELETED_FIRST: Order = { field: 'updatedAt', descending: true };

const sort: Readonly<Record<string, SortKey>> = {
  publishedAt: time('published_at'),
  createdAt: time('created_at'),
  updatedAt: time('updated_at'),
  title: { value: raw('t.title_folded collate "C"'), type: 'text' },
  likeCount: number('like_count'),
  commentCount: number('comment_count'),
  [RELEVANCE]: { value: raw('found.rank'), type: 'real' },
};

/** The views that {@link articleShape} reads. */
export const articleViews = [articleList, profiles, categories];

/** What all lists of articles have in common; `t` is the row of `article_list`. */
export const articleShape = {
  key: raw('t.key'),
  sort,
  columns: raw('t.part, t.author_id, t.category_id'),
  joins: sql`${joinPerson(raw('page.author_id'))} ${joinCategory(raw('page.category_id'))}`,
  item: itemWith(nothing),
};

/** An article's JSON, with `more` fields at its end. */
function itemWith(more: Sql): Sql {
  const start = sql`page.part || ',"author":' || ${personJson(raw('page.author_id'))}
    || ',"category":' || ${categoryJson(raw('page.category_id'))}`;
  return more === nothing ? sql`${start} || '}'` : sql`${start} || ${more} || '}'`;
}

/** The articles that the viewer may see, or restore, as the request asks; newest publication first. */
export function visibleArticles(viewer: Viewer, request: ListRequest): ListSource {
  if (asksForDeleted(request)) return deletedArticles(viewer, request);
  const visible = (rows: Rows) => visibleTo(viewer, rows);
  const count = request.search === undefined ? countOf(viewer, request) : undefined;
  return {
    ...articles(request, visible, [NEWEST_FIRST], count),
    isIndexed: request.search === undefined && isIndexed(viewer, request),
  };
}

/** The viewer's own articles, drafts included; newest first. */
export function ownArticles(userId: string, request: ListRequest): ListSource {
  if (asksForDeleted(request)) return deletedArticles({ userId, isStaff: false }, request);
  const visible = (rows: Rows) => [raw(`not ${rows}.is_deleted`), sql`${raw(rows)}.author_id = ${userId}`];
  return articles(request, visible, [{ field: 'createdAt', descending: true }]);
}

function deletedArticles(viewer: Viewer, request: ListRequest): ListSource {
  return articles(request, (rows) => restorableBy(viewer, rows), [LAST_DELETED_FIRST]);
}

function asksForDeleted({ parameters }: ListRequest): boolean {
  return parameters?.isDeleted === 'true';
}

/**
 * There is an index per order, and those of an author's and of a category's articles by their publication. Oldest first,
 * drafts come before all publications: only the index of what is public has none to leave out.
 */
function isIndexed({ userId, isStaff }: Viewer, { filters, sort }: ListRequest): boolean {
  const [filter, another] = filters;
  const [first = NEWEST_FIRST, second] = sort;
  if (another || second) return false;
  const isByPublication = first.field === 'publishedAt';
  const isOldestFirst = isByPublication && !first.descending;
  if (!filter) return !isOldestFirst || isStaff || userId === null;
  const isOfOne = ['author', 'category'].includes(filter.field) && filter.values.length === 1;
  return isOfOne && filter.operator === 'eq' && isByPublication && !isOldestFirst;
}

function articles(
  request: ListRequest,
  visible: Searched['visible'],
  defaultOrder: ListSource['defaultOrder'],
  count?: Sql,
): ListSource {
  const { search } = request;
  const filters = request.filters.map(conditionOf);
  if (search === undefined) {
    const counters = count ? [articleCounters] : [];
    const views = [...articleViews, ...counters];
    const counted = count ? { count } : {};
    return {
      ...articleShape,
      views,
      from: sql`${articleList.table} t`,
      where: [...visible('t'), ...filters],
      defaultOrder,
      ...counted,
    };
  }
  return {
    ...articleShape,
    views: [...articleViews, articleSearch, titleWords],
    ...foundBy({ search, visible, filters }, request),
    columns: sql`${articleShape.columns}, t.key as article`,
    joins: sql`${articleShape.joins} ${joinSearched(raw('page.article'), { visible })}`,
    item: itemWith(highlights()),
    where: [],
    defaultOrder: [{ field: RELEVANCE, descending: true }],
  };
}

/**
 * Articles are looked up once it is known which the page holds. The list may be ahead of what is searched: what it hides
 * by now is left out.
 */
function foundBy(
  searched: Searched,
  request: ListRequest,
): Pick<ListSource, 'with' | 'from' | 'key' | 'late' | 'sort'> {
  const source = {
    from: raw('found'),
    key: raw('found.key'),
    late: sql`left join ${articleList.table} t on t.key = picked.key and ${all(searched.visible('t'))}`,
  };
  if (request.sort.length === 0) {
    const order = orderOfKey(firstKeyOf(request.cursor));
    return { ...source, with: searchClauses(searched, order), sort };
  }
  const keys = request.sort.flatMap(({ field }) => sort[field] ?? []);
  const found = request.sort.map(({ field }, at): [string, SortKey] => [
    field,
    { value: raw(`found.sort_${at}`), type: sort[field]?.type ?? 'text' },
  ]);
  const values = keys.map(({ value }) => value);
  return { ...source, with: matchClauses(searched, values), sort: Object.fromEntries(found) };
}
