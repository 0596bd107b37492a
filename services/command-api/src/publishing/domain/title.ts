/** What a title may say, beyond what its schema asks for [P1]. Pure. */
import { type Mistake, Problem } from '@annals/contracts/problems';

export interface TitleRules {
  /** Words that no title may contain, matched as whole words whatever their case. */
  readonly prohibitedWords: readonly string[];
  /** The characters of a strict deployment; the whole title must match. */
  readonly pattern: RegExp | null;
}

/** Throws `validation-failed` with all that is wrong with `title`. */
export function checkTitle(title: string, rules: TitleRules): void {
  const mistakes: Mistake[] = [];
  const words = new Set(title.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu));
  const found = rules.prohibitedWords.filter((word) => words.has(word.toLowerCase()));
  if (found.length > 0) {
    mistakes.push({
      pointer: '/title',
      code: 'prohibited-word',
      message: `must not contain: ${found.join(', ')}`,
    });
  }
  if (rules.pattern && !rules.pattern.test(title)) {
    mistakes.push({
      pointer: '/title',
      code: 'invalid-characters',
      message: 'contains characters that are not allowed',
    });
  }
  if (mistakes.length > 0) throw new Problem('validation-failed', 'The title is not allowed.', { mistakes });
}

/** What makes two titles the same: neither case nor spacing tells them apart. */
export function normaliseTitle(title: string): string {
  return title.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}
