/** One statement for the rows of an answer, put together by PostgreSQL: what the bare server sends. */
import { profileDocumentsView, profilesView } from '@annals/contracts/identity/docs';
import { articleDetailsView, articleListView, articleSearchView } from '@annals/contracts/publishing/docs';
import { viewName } from '@annals/platform/consumer/projection';
import { articleId } from '../read/log-data.ts';
import type { BareRoute } from './bare.child.ts';

const table = (view: { readonly name: string; readonly version: number }) => `views.${viewName(view)}`;

/** The rows that `newest (part, author_id, ord)` selects, with their authors. */
const pageOf = (newest: string) => `
  select string_agg(page.part || ',"author":' || person.summary || '}', ',' order by page.ord) as items
  from (${newest}) page left join ${table(profilesView)} person on person.key = page.author_id`;

const LIST = pageOf(`
  select part, author_id, row_number() over () as ord from (
    select part, author_id from ${table(articleListView)} where is_public order by published_at desc, key desc limit 20
  ) newest`);

const SEARCH = pageOf(`
  select part, author_id, row_number() over () as ord from (
    select t.part, t.author_id
    from ${table(articleSearchView)} s join ${table(articleListView)} t on t.key = s.key,
      websearch_to_tsquery('views.annals_text', $1) query
    where s.document @@ query and t.is_public
    order by ts_rank(s.document, query) desc, t.key desc limit 20
  ) best`);

/** An article with the people in it. */
const DETAIL = `
  select article.doc::text || ',' || (
    select string_agg(person.doc::text, ',') from ${table(profileDocumentsView)} person
    where person.key = any (article."people")
  ) as items
  from ${table(articleDetailsView)} article where article.key = $1`;

export const listRoute: BareRoute = { path: '/list', name: 'list', text: LIST, values: [] };

export function searchRoute(search: string, number: number): BareRoute {
  return { path: `/search/${number}`, name: 'search', text: SEARCH, values: [search] };
}

export function detailRoute(number: number): BareRoute {
  return { path: `/detail/${number}`, name: 'detail', text: DETAIL, values: [articleId(number)] };
}
