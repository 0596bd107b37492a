/**
 * The search over titles, contents and names of authors: stemmed, accents aside, best first. Where nothing matches, words
 * count as those of titles, and of names, that they differ from by a typo.
 *
 * To rank a content its whole vector has to be read, so no more than {@link MAX_RANKED} are. Words that match more than that
 * say little: then titles come first, after them what people of that name wrote, then contents, each the newest first.
 */
import { all, join, raw, type Sql, sql } from '../lists/sql.ts';
import { articleList, articleSearch, profiles } from '../views.ts';
import { isCalledAlike, putRight } from './article-typos.ts';
import type { Rows } from './standing.ts';

/** Matches that are ranked one by one. */
const MAX_RANKED = 1_000;
/** … where a walk that began so goes on while more and more matches come. */
const MAX_RANKED_ON = 20 * MAX_RANKED;
/** The text-search query that is answered, once the clauses are there: as asked, or put right. */
const ASKED = raw('(select query from asked)');
/** Below 1, so that a cursor tells which order it belongs to. A match of the author's name stands between title and content. */
const RANKED = {
  matched: sql`(select ts_rank(s.document, ${ASKED}, 32) from ${articleSearch.table} s where s.key = m.key)`,
  author: raw('0.23'),
};
const COARSE = { matched: raw('case when m.is_titled then 3 else 1 end'), author: raw('2') };
/** Authors of one name that are looked at. */
const MAX_AUTHORS = raw(1_000);
/** Letters before a word of the search and in all, which are parsed to show it. */
const PASSAGE = { before: raw('120'), length: raw('400') } as const;
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
  /** What the viewer may see, among such rows. */
  readonly visible: (rows: Rows) => readonly Sql[];
  /** What else is asked for, of the rows `t`. */
  readonly filters: readonly Sql[];
}

/** `found (key, rank)`: the articles that match. */
export function searchClauses(searched: Searched, order: SearchOrder): readonly Sql[] {
  const most = raw(order === 'ranked' ? MAX_RANKED_ON : MAX_RANKED);
  const few = raw('(select are_few from counted)');
  const rank = (of: keyof typeof RANKED) => sql`case when ${few} then ${RANKED[of]} else ${COARSE[of]} end`;
  const match = (query: Sql, people: Sql) => sql`
    select s.key, s.title @@ ${query} as is_titled, s.author_id in (select id from ${people}) as is_authors
    from ${searched.filters.length > 0 ? listed(query, searched) : unlisted(query, searched)}`;
  return [
    ...matchedClauses(searched, match),
    order === 'coarse'
      ? raw('counted as (select false as are_few)')
      : sql`counted as materialized (select count(*) <= ${most} as are_few from matched)`,
    sql`found as materialized (
      select m.key, greatest(${rank('matched')}, case when m.is_authors then ${rank('author')} end)::real as rank from matched m
      union all
      select a.key, ${rank('author')} from authored a where not exists (select from matched m where m.key = a.key)
    )`,
  ];
}

/** `found (key, sort_0, …)`, with as many `values` of `t`, but without ranks: for those who ask for another order. */
export function matchClauses(searched: Searched, values: readonly Sql[]): readonly Sql[] {
  const columns = values.map((value, at) => sql`${value} as ${raw(`sort_${at}`)}`);
  const wanted = join([raw('t.key'), ...columns], ', ');
  return [
    ...matchedClauses(searched, (query) => sql`select ${wanted} from ${listed(query, searched)}`),
    sql`found as materialized (
      select * from matched
      union
      select ${wanted} from authored a join ${articleList.table} t on t.key = a.key
    )`,
  ];
}

/**
 * `authored (key)`: what authors of that name wrote; `asked (query)`; and `matched`: what `match` gives for what is asked for,
 * told which `people (id)` are of that name. Looked through once, unless that gives nothing, and nobody of that name wrote
 * anything either: then words and names count that differ by a typo.
 */
function matchedClauses(searched: Searched, match: (query: Sql, people: Sql) => Sql): readonly Sql[] {
  const { search, visible, filters } = searched;
  const query = textQuery(search);
  const [named, alike, isMissed] = [raw('named'), raw('alike'), raw('(select is_so from missed)')];
  const by = (people: Sql) =>
    sql`select t.key from ${people} join ${articleList.table} t on t.author_id = ${people}.id
    where ${all([...visible('t'), ...filters])}`;
  return [
    sql`named as materialized (
      select p.key collate "default" as id from ${profiles.table} p
      where p.names @@ websearch_to_tsquery('views.annals_names', ${search}) limit ${MAX_AUTHORS}
    )`,
    sql`written as materialized (${by(named)})`,
    sql`exact as materialized (${match(query, named)})`,
    raw(
      'missed as materialized (select not exists (select from exact) and not exists (select from written) as is_so)',
    ),
    sql`alike as materialized (
      select p.key collate "default" as id from ${profiles.table} p
      where ${isMissed} and ${isCalledAlike(search)} limit ${MAX_AUTHORS}
    )`,
    sql`authored as materialized (select key from written union all ${by(alike)})`,
    sql`asked as materialized (
      select case when is_so then coalesce(${putRight(search)}, ${query}) else ${query} end as query from missed
    )`,
    sql`matched as materialized (select * from exact union all ${match(ASKED, alike)} and ${isMissed})`,
  ];
}

/** `from … where …`, without the `from`: the rows whose text matches. */
function unlisted(query: Sql, { visible }: Searched): Sql {
  return sql`${articleSearch.table} s where s.document @@ ${query} and ${all(visible('s'))}`;
}

/** The same, with their rows of the list. Either view may be ahead of the other. */
function listed(query: Sql, { visible, filters }: Searched): Sql {
  return sql`${articleSearch.table} s join ${articleList.table} t on t.key = s.key
    where s.document @@ ${query} and ${all([...visible('s'), ...visible('t'), ...filters])}`;
}

/** What of the page's articles matches, as the field `highlights` of the item's JSON; `s` is the row of `article_search`. */
export function highlights(): Sql {
  const shown = (text: Sql, options: string) =>
    sql`ts_headline('views.annals_text', ${escaped(text)}, ${ASKED}, ${raw(`'StartSel=<mark>, StopSel=</mark>, ${options}'`)})`;
  const title = shown(sql`coalesce(s.doc ->> 'title', '')`, 'HighlightAll=true');
  const content = shown(
    passagesOf(sql`coalesce(s.doc ->> 'text', '')`),
    'MaxFragments=2, MaxWords=30, MinWords=10, FragmentDelimiter=" … "',
  );
  return sql`',"highlights":' || json_build_object('title', ${title}, 'content', ${content})::text`;
}

/**
 * Of the text, what stands around the words of the search where they come first: parsing the whole of a long text takes
 * milliseconds. Words are found here as they are stemmed. Where one is not (accents, irregular forms, alternatives), or they have
 * to stand together, it is looked whether that is enough to match; if not, it is the text's beginning.
 */
function passagesOf(text: Sql): Sql {
  return sql`(
    select case when near.is_all and not ${ASKED}::text ~ '<|\\|' or to_tsvector('views.annals_text', near.text) @@ ${ASKED}
      then near.text else left(whole.text, ${MAX_PARSED}) end
    from (select t.text, lower(t.text collate "C") as folded from (select ${text} as text offset 0) t offset 0) whole,
    lateral (
      select bool_and(place.at > 0) as is_all, string_agg(
        substr(whole.text, greatest(1, place.at - ${PASSAGE.before}), ${PASSAGE.length}), ' … ' order by place.at
      ) filter (where place.at > 0) as text
      from (
        select coalesce(nullif(strpos(whole.folded, ' ' || lexeme[1]), 0), strpos(whole.folded, lexeme[1])) as at
        from regexp_matches(${ASKED}::text, '''([^'']+)''', 'g') lexeme limit ${MAX_PASSAGES}
      ) place
    ) near
  )`;
}

/** Joins what {@link highlights} needs to the article `key`; the text may be newer than what the list has of it. */
export function joinSearched(key: Sql, { visible }: Pick<Searched, 'visible'>): Sql {
  return sql`left join ${articleSearch.table} s on s.key = ${key} and ${all(visible('s'))}`;
}

/** As HTML: what was a tag in the text stays text. */
function escaped(text: Sql): Sql {
  return sql`replace(replace(replace(${text}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')`;
}

function textQuery(search: string): Sql {
  return sql`websearch_to_tsquery('views.annals_text', ${search})`;
}
