/** Lists of articles for a caller. */
import type { ListRequest } from '@annals/contracts/kit/list';
import { joinPerson, personJson } from '../identity/person-json.ts';
import type { ListSource, SortKey } from '../lists/source.ts';
import { raw, type Sql, sql } from '../lists/sql.ts';
import { articleCounters, articleList, articleSearch, categories, profiles } from '../views.ts';
import { countOf } from './article-count.ts';
import { conditionOf } from './article-filters.ts';
import { searchClauses } from './article-search.ts';
import { categoryJson, joinCategory } from './category-json.ts';
import { type Viewer, visibleTo } from './standing.ts';

const time = (column: string): SortKey => ({ value: raw(`t.${column}`), type: 'timestamptz' });
const number = (column: string): SortKey => ({ value: raw(`t.${column}`), type: 'integer' });

const RELEVANCE = 'relevance';

const sort: Readonly<Record<string, SortKey>> = {
  publishedAt: time('published_at'),
  createdAt: time('created_at'),
  updatedAt: time('updated_at'),
  title: { value: raw('t.title_folded collate "C"'), type: 'text' },
  likeCount: number('like_count'),
  commentCount: number('comment_count'),
  [RELEVANCE]: { value: raw('found.rank'), type: 'real' },
};

const shape = {
  key: raw('t.key'),
  sort,
  columns: raw('t.part, t.author_id, t.category_id'),
  joins: sql`${joinPerson(raw('page.author_id'))} ${joinCategory(raw('page.category_id'))}`,
  item: sql`page.part || ',"author":' || ${personJson(raw('page.author_id'))}
    || ',"category":' || ${categoryJson(raw('page.category_id'))} || '}'`,
};

/** The articles that the viewer may see and that the request asks for; newest publication first. */
export function visibleArticles(viewer: Viewer, request: ListRequest): ListSource {
  const where = [...visibleTo(viewer), ...request.filters.map(conditionOf)];
  const count = request.search === undefined ? countOf(viewer, request) : undefined;
  return articles(request, where, [{ field: 'publishedAt', descending: true }], count);
}

/** The viewer's own articles, drafts included; newest first. */
export function ownArticles(userId: string, request: ListRequest): ListSource {
  const where = [raw('not t.is_deleted'), sql`t.author_id = ${userId}`, ...request.filters.map(conditionOf)];
  return articles(request, where, [{ field: 'createdAt', descending: true }]);
}

/** There is an index per order, and those of an author's and of a category's articles by their publication. */
function isIndexed({ filters, sort }: ListRequest): boolean {
  const [filter, another] = filters;
  if (!filter) return sort.length <= 1;
  const isOfOne =
    ['author', 'category'].includes(filter.field) && filter.operator === 'eq' && filter.values.length === 1;
  const isByPublication = sort.length === 0 || (sort.length === 1 && sort[0]?.field === 'publishedAt');
  return !another && isOfOne && isByPublication;
}

function articles(
  request: ListRequest,
  where: readonly Sql[],
  defaultOrder: ListSource['defaultOrder'],
  count?: Sql,
): ListSource {
  const { search } = request;
  const table = sql`${articleList.table} t`;
  if (search === undefined) {
    const counters = count ? [articleCounters] : [];
    const views = [articleList, profiles, categories, ...counters];
    const counted = count ? { count } : {};
    return { ...shape, views, from: table, where, defaultOrder, ...counted, isIndexed: isIndexed(request) };
  }
  return {
    ...shape,
    views: [articleList, profiles, categories, articleSearch],
    with: searchClauses(search, where),
    from: sql`found join ${table} on t.key = found.key`,
    where: [],
    defaultOrder: [{ field: RELEVANCE, descending: true }],
  };
}
