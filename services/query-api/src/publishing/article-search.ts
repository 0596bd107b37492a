/**
 * The search over titles, contents and names of authors: stemmed, accents aside, best first. Where nothing matches,
 * titles that differ by a typo are found instead.
 */
import { foldTitle } from '@annals/contracts/publishing/docs';
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
  const folded = foldTitle(search);
  return [
    sql`matched as (
      select s.key, ts_rank(s.document, websearch_to_tsquery('views.annals_text', ${search})) as rank
      from ${articleSearch.table} s where s.document @@ websearch_to_tsquery('views.annals_text', ${search})
      union all
      select a.key, ${AUTHOR_RANK} from ${articleList.table} a where not a.is_deleted and a.author_id = any (array(
        select p.key collate "default" from ${profiles.table} p
        where p.names @@ websearch_to_tsquery('views.annals_names', ${search}) limit ${MAX_AUTHORS}))
    )`,
    sql`exact as materialized (
      select t.key, max(matched.rank)::real as rank
      from matched join ${articleList.table} t on t.key = matched.key where ${visible} group by t.key
    )`,
    sql`found as materialized (
      select key, rank from exact
      union all
      select t.key, (${TYPO_RANK} * word_similarity(${folded}, t.title_folded))::real
      from ${articleList.table} t
      where not exists (select from exact) and ${visible}
        and ${folded} <% t.title_folded and ${isMisspelt(folded)}
    )`,
  ];
}

/** Each word of the search is, but for a few letters, one of the title. Words too short to tell don't count. */
function isMisspelt(folded: string): Sql {
  const words = folded.match(/[\p{L}\p{N}]{4,}/gu) ?? [];
  if (words.length === 0) return raw('false');
  return sql`(
    select bool_and(exists (
      select from regexp_split_to_table(t.title_folded, '[^[:alnum:]]+') title_word
      where levenshtein_less_equal(title_word, word, edits) <= edits
    ))
    from unnest(${words}::text[], ${words.map(editsIn)}::integer[]) typed (word, edits)
  )`;
}

/** A swap of two letters takes two. */
function editsIn({ length }: string): number {
  return length < 5 ? 1 : 2;
}
