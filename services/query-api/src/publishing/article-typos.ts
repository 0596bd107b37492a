/** What a misspelt search may have meant. Who uses operators knows what they are after. */
import { foldTitle, LONGEST_TITLE_WORD } from '@annals/contracts/publishing/docs';
import { all, raw, type Sql, sql } from '../lists/sql.ts';
import { titleWords } from '../views.ts';

/** Words of titles that a misspelt one may have meant. */
const MAX_MEANT = raw(8);
/** Nobody is called by more words. */
const MOST_NAMES = 5;

/**
 * The query with words of titles in place of those that differ from them by a few letters; null where a word is like none. Words too
 * short to tell don't count.
 */
export function putRight(search: string): Sql {
  const words = wordsOf(search).filter(isTelling);
  if (words.length === 0) return raw('null');
  const edits = sql`levenshtein_less_equal(w.key, typed.word, typed.edits)`;
  return sql`(
    select case when bool_and(meant.words is not null)
      then to_tsquery('views.annals_text', string_agg('(' || meant.words || ')', ' & ')) end
    from unnest(${words}::text[], ${words.map(editsIn)}::integer[]) typed (word, edits)
    cross join lateral (
      select string_agg('''' || near.key || '''', ' | ') as words from (
        select w.key from ${titleWords.table} w where w.key % typed.word collate "C" and ${edits} <= typed.edits
        order by ${edits}, w.key limit ${MAX_MEANT}
      ) near
    ) meant
  )`;
}

/**
 * Whether the person `p` is called by all words of the search, but for a few letters: those too short to tell are to be as they
 * are. The index finds who shares some letters in a row with a word; then the words of the names are compared one by one.
 */
export function isCalledAlike(search: string): Sql {
  const words = wordsOf(search);
  if (words.length > MOST_NAMES || !words.some(isTelling)) return raw('false');
  return all(
    words.map((word) => {
      const names = raw(`unnest(string_to_array(p.name_words, ' ')) called`);
      if (!isTelling(word)) return sql`exists (select from ${names} where called = ${word})`;
      const edits = raw(editsIn(word));
      return sql`(p.name_words %>> ${word}
        and exists (select from ${names} where levenshtein_less_equal(called, ${word}, ${edits}) <= ${edits}))`;
    }),
  );
}

/** None where one is too long to be a word, or where operators are used. */
function wordsOf(search: string): readonly string[] {
  const words = /"|(^|\s)-|\sor\s/i.test(search) ? [] : (foldTitle(search).match(/[\p{L}\p{N}]+/gu) ?? []);
  return words.some(({ length }) => length > LONGEST_TITLE_WORD) ? [] : words;
}

/** Shorter ones are like too many others. */
function isTelling({ length }: string): boolean {
  return length >= 4;
}

/** A swap of two letters takes two. */
function editsIn({ length }: string): number {
  return length < 5 ? 1 : 2;
}
