/**
 * The search over titles, contents and names of authors: stemmed, accents aside, best first. Where nothing matches,
 * titles that are spelled alike are found instead.
 */
import { all, raw, type Sql, sql } from '../lists/sql.ts';
import { articleList, articleSearch, profiles } from '../views.ts';

/** A match of the author's name ranks between one of the title and one of the content. */
const AUTHOR_RANK = raw('0.3');
/** Below every true match. */
const TYPO_RANK = raw('0.01');
/** Authors of one name that are looked at. */
const MAX_AUTHORS = raw(1_000);

/** `found (key, rank)`: the articles, among the rows of `article_list` called `t`, that `where` holds for. */
export function searchClauses(search: string, where: readonly Sql[]): readonly Sql[] {
  const visible = all(where);
  return [
    sql`matched as (
      select s.key, ts_rank(s.document, websearch_to_tsquery('views.annals_text', ${search})) as rank
      from ${articleSearch.table} s where s.document @@ websearch_to_tsquery('views.annals_text', ${search})
      union all
      select a.key, ${AUTHOR_RANK} from ${articleList.table} a where a.author_id = any (array(
        select p.key from ${profiles.table} p
        where p.names @@ websearch_to_tsquery('views.annals_names', ${search}) limit ${MAX_AUTHORS}))
    )`,
    sql`exact as materialized (
      select t.key, max(matched.rank)::real as rank
      from matched join ${articleList.table} t on t.key = matched.key where ${visible} group by t.key
    )`,
    sql`found as materialized (
      select key, rank from exact
      union all
      select t.key, (${TYPO_RANK} * word_similarity(${search}, t.title))::real
      from ${articleList.table} t
      where ${isLongEnough(search)} and ${search} <% t.title and ${visible} and not exists (select from exact)
    )`,
  ];
}

/** Of fewer letters too much is alike. */
function isLongEnough(search: string): boolean {
  return (search.match(/[\p{L}\p{N}]/gu)?.length ?? 0) >= 4;
}
