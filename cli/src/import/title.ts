/** Titles for imported documents, by the rules of the API. */
import { createArticle } from '@annals/contracts/publishing/article.routes';
import { Refusal } from './document.ts';

const schema = createArticle.body.shape.title;
const MAX_LENGTH = 200;

/**
 * The titles to try in turn: the document's own, then with the name of its folder, then with its whole path, for
 * authors who have used the former already, and for titles too short to stand alone. `folders` from the outermost.
 * Throws {@link Refusal} where nothing that the rules accept can be made.
 */
export function titlesFor(own: string, folders: readonly string[], fileName: string): string[] {
  const base = clean(own);
  const suffixes = ['', folders.at(-1) ?? '', folders.slice(-2).join('/'), [...folders, fileName].join('/')];
  const candidates = suffixes.map((suffix) => withSuffix(base, clean(suffix)));
  const accepted = [...new Set(candidates)].filter((title) => schema.safeParse(title).success);
  if (accepted.length === 0)
    throw new Refusal('title', `No title can be made of ${JSON.stringify(own.slice(0, 80))}.`);
  return accepted;
}

function withSuffix(base: string, suffix: string): string {
  if (suffix === '') return shorten(base, MAX_LENGTH);
  const tail = shorten(suffix, MAX_LENGTH / 2);
  return base === '' ? tail : `${shorten(base, MAX_LENGTH - tail.length - 3)} (${tail})`;
}

/** Only what the schema lets pass; angle brackets become quotation marks of their shape. */
function clean(text: string): string {
  return text
    .toWellFormed()
    .replace(/\s+/g, ' ')
    .replaceAll('<', '‹')
    .replaceAll('>', '›')
    .replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, '')
    .replace(/ +/g, ' ')
    .trim();
}

/** At most `length` UTF-16 units, cut between characters. */
function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  let short = '';
  for (const character of text) {
    if (short.length + character.length > length - 1) break;
    short += character;
  }
  return `${short.trim()}…`;
}
