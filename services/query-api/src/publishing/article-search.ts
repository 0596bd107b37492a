/**
 * The search over titles, contents and names of authors: stemmed, accents aside, best first. Where nothing matches,
 * titles that differ by a typo are found instead.
 *
 * To rank a content its whole vector has to be read, so no more than {@link MAX_RANKED} are. Words that match more than that
 * say little: then titles come first, after them what people of that name wrote, then contents, each the newest first.
 */
import { foldTitle } from '@annals/contracts/publishing/docs';
import { all, join, nothing, raw, type Sql, sql } from '../lists/sql.ts';
import { articleList, articleSearch, profiles } from '../views.ts';

/** Matches that are ranked one by one. */
const MAX_RANKED = 2_000;
/** … where a walk that began so goes on while more and more matches come. */
const MAX_RANKED_ON = 10 * MAX_RANKED;
/** Below 1, so that a cursor tells which order it belongs to. */
const rankOf = (query: Sql) => sql`ts_rank(s.document, ${query}, 32)`;
/** A match of the author's name ranks between one of the title and one of the content. */
const AUTHOR_RANK = raw('0.23');
/** Below every true match. */
const TYPO_RANK = raw('0.01');
const COARSE = { title: raw('3'), author: raw('2'), content: raw('1') } as const;
/** Authors of one name that are looked at. */
const MAX_AUTHORS = raw(1_000);
/** Titles that are compared with what may be a typo, and the most alike of them, which are looked at word by word. */
const MAX_COMPARED = raw(10_000);
const MAX_ALIKE = raw(1_000);
/** Words of a search that an index looks for in titles. */
const MAX_ALIKE_WORDS = 3;
/** Letters before a word of the search and in all, which are parsed to show it. */
const PASSAGE = { before: raw('200'), length: raw('800') } as const;
/** Words of a search that passages are looked for. */
const MAX_PASSAGES = raw(8);
/** Where these don't do, as much of the text's beginning is parsed. */
const MAX_PARSED = raw(20_000);

/** How a walk by cursors began: its order is kept, however many matches come and go. */
export type SearchOrder = 'ranked' | 'coarse' | 'undecided';

/** The order of the list that a cursor with this first key belongs to. */
export function orderOfKey(rank: string | undefined): SearchOrder {
  if (rank === undefined) return 'undecided';
  return Number(rank) < 1 ? 'ranked' : 'coarse';
}

/** What is searched for, and where. */
export interface Searched {
  readonly search: string;
  /** Of the rows of `article_list` called `t`. */
  readonly where: readonly Sql[];
  /** Whether `where` leaves out more than what the viewer may not see. */
  readonly isFiltered: boolean;
}

/** `found (key, rank)`: the articles that match. */
export function searchClauses(searched: Searched, order: SearchOrder): readonly Sql[] {
  const { search, where } = searched;
  const query = textQuery(search);
  const few = raw('(select are_few from counted)');
  const coarse = sql`case when s.title @@ ${query} then ${COARSE.title} else ${COARSE.content} end`;
  return [
    sql`counted as materialized (select ${areFew(searched, order)} as are_few)`,
    sql`matched as (
      select s.key, case when ${few} then ${rankOf(query)} else ${coarse} end as rank
      from ${matching(query, where)}
      union all
      select t.key, case when ${few} then ${AUTHOR_RANK} else ${COARSE.author} end
      from ${byAuthors(search, where)}
    )`,
    sql`exact as materialized (select key, max(rank)::real as rank from matched group by key)`,
    alike(search, where, nothing),
    sql`found as materialized (
      select key, rank from exact
      union all
      select a.key, (${TYPO_RANK} * word_similarity(${foldTitle(search)}, a.title_folded))::real
      from alike a where ${isMisspelt(foldTitle(search))}
    )`,
  ];
}

/** `found (key, sort_0, …)`, with as many `values` of `t`, but without ranks: for those who ask for another order. */
export function matchClauses(
  { search, where }: Pick<Searched, 'search' | 'where'>,
  values: readonly Sql[],
): readonly Sql[] {
  const names = values.map((_, at) => raw(`sort_${at}`));
  const columns = join(
    values.map((value, at) => sql`${value} as ${names[at] ?? nothing}`),
    ', ',
  );
  const wanted = sql`t.key, ${columns}`;
  return [
    sql`exact as materialized (
      select ${wanted} from ${matching(textQuery(search), where)}
      union
      select ${wanted} from ${byAuthors(search, where)}
    )`,
    alike(search, where, sql`, ${columns}`),
    sql`found as materialized (
      select * from exact
      union all
      select a.key, ${join(names, ', ')} from alike a where ${isMisspelt(foldTitle(search))}
    )`,
  ];
}

/** Whether the matches are ranked one by one. An index counts them; only where most may not be meant are they looked at for it. */
function areFew({ search, where, isFiltered }: Searched, order: SearchOrder): Sql {
  if (order === 'coarse') return raw('false');
  const query = textQuery(search);
  const limit = order === 'ranked' ? MAX_RANKED_ON : MAX_RANKED;
  const counted = isFiltered
    ? matching(query, where)
    : sql`${articleSearch.table} s where s.document @@ ${query}`;
  return sql`(select count(*) from (select from ${counted} limit ${raw(limit + 1)}) matches) <= ${raw(limit)}`;
}

/** `from … where …`, without the `from`: the rows whose text matches. */
function matching(query: Sql, where: readonly Sql[]): Sql {
  return sql`${articleSearch.table} s join ${articleList.table} t on t.key = s.key
    where s.document @@ ${query} and ${all(where)}`;
}

/** The same: the rows of authors of that name, whom an index finds one by one. */
function byAuthors(search: string, where: readonly Sql[]): Sql {
  return sql`(
      select p.key collate "default" as id from ${profiles.table} p
      where p.names @@ websearch_to_tsquery('views.annals_names', ${search}) limit ${MAX_AUTHORS}
    ) author join ${articleList.table} t on t.author_id = author.id
    where ${all(where)}`;
}

/** `alike`: where nothing matches, the rows whose titles are most alike. Each of the longest words has to be. */
function alike(search: string, where: readonly Sql[], columns: Sql): Sql {
  const folded = foldTitle(search);
  const longest = wordsOf(folded)
    .sort((one, other) => other.length - one.length)
    .slice(0, MAX_ALIKE_WORDS);
  const isAlike =
    longest.length > 0 ? all(longest.map((word) => sql`${word} <% t.title_folded`)) : raw('false');
  return sql`alike as materialized (
    select * from (
      select t.key, t.title_folded${columns} from ${articleList.table} t
      where not exists (select from exact) and ${all(where)} and ${isAlike}
      limit ${MAX_COMPARED}
    ) near order by word_similarity(${folded}, near.title_folded) desc limit ${MAX_ALIKE}
  )`;
}

/** What of the page's articles matches, as the field `highlights` of the item's JSON; `s` is the row of `article_search`. */
export function highlightsOf(search: string): Sql {
  const query = textQuery(search);
  const shown = (text: Sql, options: string) =>
    sql`ts_headline('views.annals_text', ${escaped(text)}, ${query}, ${raw(`'StartSel=<mark>, StopSel=</mark>, ${options}'`)})`;
  const title = shown(sql`coalesce(s.doc ->> 'title', '')`, 'HighlightAll=true');
  const content = shown(
    passagesOf(sql`coalesce(s.doc ->> 'text', '')`, search),
    'MaxFragments=2, MaxWords=30, MinWords=10, FragmentDelimiter=" … "',
  );
  return sql`',"highlights":' || json_build_object('title', ${title}, 'content', ${content})::text`;
}

/**
 * Of the text, what stands around the words of the search where they come first, if that is enough for it to match: parsing
 * the whole of a long text takes milliseconds. Words are found here as they are stemmed; whoever writes them otherwise
 * (accents, irregular forms) gets the text's beginning.
 */
function passagesOf(text: Sql, search: string): Sql {
  const words = sql`unnest(tsvector_to_array(to_tsvector('views.annals_text', ${search}))) word`;
  return sql`(
    select case when to_tsvector('views.annals_text', near.text) @@ ${textQuery(search)} then near.text else left(whole.text, ${MAX_PARSED}) end
    from (select t.text, lower(t.text collate "C") as folded from (select ${text} as text offset 0) t offset 0) whole,
    lateral (
      select string_agg(
        substr(whole.text, greatest(1, place.at - ${PASSAGE.before}), ${PASSAGE.length}), ' … ' order by place.at
      ) as text
      from (
        select coalesce(nullif(strpos(whole.folded, ' ' || word), 0), strpos(whole.folded, word)) as at
        from ${words} limit ${MAX_PASSAGES}
      ) place
      where place.at > 0
    ) near
  )`;
}

/** Joins what {@link highlightsOf} needs to the article `key`. */
export function joinSearched(key: Sql): Sql {
  return sql`left join ${articleSearch.table} s on s.key = ${key}`;
}

/** As HTML: what was a tag in the text stays text. */
function escaped(text: Sql): Sql {
  return sql`replace(replace(replace(${text}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')`;
}

function textQuery(search: string): Sql {
  return sql`websearch_to_tsquery('views.annals_text', ${search})`;
}

function wordsOf(folded: string): string[] {
  return folded.match(/[\p{L}\p{N}]{4,}/gu) ?? [];
}

/** Each word of the search is, but for a few letters, one of the title. Words too short to tell don't count. */
function isMisspelt(folded: string): Sql {
  const words = wordsOf(folded);
  if (words.length === 0) return raw('false');
  return sql`(
    select bool_and(exists (
      select from regexp_split_to_table(a.title_folded, '[^[:alnum:]]+') title_word
      where levenshtein_less_equal(title_word, word, edits) <= edits
    ))
    from unnest(${words}::text[], ${words.map(editsIn)}::integer[]) typed (word, edits)
  )`;
}

/** A swap of two letters takes two. */
function editsIn({ length }: string): number {
  return length < 5 ? 1 : 2;
}
