/** The query string, strictly: every parameter once, every escape valid. */
import { type Mistake, Problem } from '@annals/contracts/problems';
import { INVALID_TEXT, isStorable } from './json-body.ts';

export interface ParsedQuery {
  readonly values: Readonly<Record<string, string>>;
  /** Repeated parameters (`repeated-parameter`) and text that no store takes (`invalid-text`). */
  readonly mistakes: readonly Mistake[];
}

const NO_QUERY: ParsedQuery = { values: {}, mistakes: [] };

/** Parses the query of `url`. Throws `malformed-request` where an escape is not valid UTF-8. */
export function parseQuery(url: string): ParsedQuery {
  const start = url.indexOf('?');
  if (start < 0 || start === url.length - 1) return NO_QUERY;
  const values = new Map<string, string>();
  const mistakes: Mistake[] = [];
  for (const part of url.slice(start + 1).split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const parameter = decode(equals < 0 ? part : part.slice(0, equals));
    const value = equals < 0 ? '' : decode(part.slice(equals + 1));
    if (values.has(parameter))
      mistakes.push({ parameter, code: 'repeated-parameter', message: 'is given more than once' });
    if (!isStorable(value)) mistakes.push({ parameter, code: 'invalid-text', message: INVALID_TEXT });
    values.set(parameter, value);
  }
  // fromEntries defines own members, `__proto__` included, so that the schema sees and refuses it.
  return { values: Object.fromEntries(values), mistakes };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    throw new Problem('malformed-request', 'The query has an invalid percent escape.', { cause });
  }
}
