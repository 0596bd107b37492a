/** Plain text of sanitised HTML: for excerpts, reading times and the search. */
import { Parser } from 'htmlparser2';

/** Elements whose text runs on into what follows; all others end a word. */
const INLINE = new Set(['a', 'b', 'code', 'em', 'i', 'strong', 'u']);
const EXCERPT_LENGTH = 280;
const WORDS_PER_MINUTE = 200;

/** The text of `html` with entities decoded and white space collapsed. */
export function htmlToText(html: string): string {
  const parts: string[] = [];
  const separate = (name: string) => {
    if (!INLINE.has(name)) parts.push(' ');
  };
  const parser = new Parser({
    ontext: (text) => parts.push(text),
    onopentagname: separate,
    onclosetag: separate,
  });
  parser.end(html);
  return parts.join('').replace(/\s+/g, ' ').trim();
}

/** The beginning of `text`, at most 280 characters, cut between words where there is a gap. */
export function excerptOf(text: string): string {
  if (text.length <= EXCERPT_LENGTH) return text;
  const head = text
    .slice(0, EXCERPT_LENGTH - 1)
    .toWellFormed()
    .replace(/\ufffd$/, '');
  const gap = head.lastIndexOf(' ');
  return `${gap > EXCERPT_LENGTH / 2 ? head.slice(0, gap) : head}…`;
}

/** Minutes to read `text`, rounded up; 0 where there is nothing. */
export function readingMinutes(text: string): number {
  const words = text === '' ? 0 : text.split(' ').length;
  return Math.ceil(words / WORDS_PER_MINUTE);
}

/** The beginning of `text` within `bytes` of UTF-8. */
export function headOf(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  // A character cut in two decodes to U+FFFD.
  return Buffer.from(text)
    .subarray(0, bytes)
    .toString()
    .replace(/\ufffd+$/, '');
}
