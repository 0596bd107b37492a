/** What a schema refuses, as mistakes with stable codes and short messages. */
import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/** A mistake before it is known to lie in a body, a query or a header. */
export interface SchemaMistake {
  readonly path: readonly PropertyKey[];
  readonly code: string;
  readonly message: string;
}

export type Checked<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly mistakes: readonly SchemaMistake[] };

/** Checks `value` and lists all mistakes. A schema's own messages are kept; `params.code` of a custom issue is its code. */
export function check<Schema extends z.ZodType>(schema: Schema, value: unknown): Checked<z.output<Schema>> {
  const result = schema.safeParse(value, { error: messageOf, reportInput: true });
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, mistakes: result.error.issues.flatMap((issue) => toMistakes(issue, [])) };
}

function toMistakes(issue: Issue, base: readonly PropertyKey[]): SchemaMistake[] {
  const path = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      code: 'unknown-field',
      message: 'is not known',
    }));
  }
  if (issue.code === 'invalid_union' && issue.input !== undefined) {
    const nested = issue.errors.find((branch) => branch.some((inner) => inner.path.length > 0));
    if (nested) return nested.flatMap((inner) => toMistakes(inner, path));
  }
  return [{ path, code: codeOf(issue), message: issue.message }];
}

/** Issues whose mistake's code does not depend on more than their own. */
const CODES: Partial<Record<Issue['code'], string>> = {
  invalid_type: 'wrong-type',
  invalid_format: 'invalid-format',
  not_multiple_of: 'invalid-value',
  invalid_union: 'invalid-value',
  invalid_value: 'invalid-value',
  invalid_key: 'unknown-field',
  invalid_element: 'invalid-value',
};

function codeOf(issue: Issue): string {
  if (issue.code === 'custom')
    return typeof issue.params?.code === 'string' ? issue.params.code : 'invalid-value';
  if (issue.input === undefined) return 'required';
  if (issue.code === 'too_small') return isLength(issue.origin) ? 'too-short' : 'too-small';
  if (issue.code === 'too_big') return isLength(issue.origin) ? 'too-long' : 'too-large';
  return CODES[issue.code] ?? 'invalid-value';
}

function isLength(origin: string): boolean {
  return origin === 'string' || origin === 'array' || origin === 'set' || origin === 'file';
}

/** The message of an issue for which the schema has none. Never quotes the input. */
function messageOf(issue: z.core.$ZodRawIssue): string {
  if (issue.input === undefined && issue.code !== 'custom') return 'is required';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${withArticle(String(issue.expected))}`;
    case 'too_small':
      return `must ${isLength(String(issue.origin)) ? 'have at least' : 'be at least'} ${issue.minimum}${unitOf(issue.origin, issue.minimum)}`;
    case 'too_big':
      return `must ${isLength(String(issue.origin)) ? 'have at most' : 'be at most'} ${issue.maximum}${unitOf(issue.origin, issue.maximum)}`;
    case 'invalid_format':
      return `must be ${FORMATS[String(issue.format)] ?? `a valid ${issue.format}`}`;
    case 'invalid_value':
      return `must be one of ${(issue.values as unknown[]).map(String).join(', ')}`;
    default:
      return 'is not valid';
  }
}

const FORMATS: Readonly<Record<string, string>> = {
  uuid: 'a UUID',
  email: 'an e-mail address',
  url: 'a URL',
  datetime: 'an RFC 3339 time',
  regex: 'of the expected form',
};

function withArticle(type: string): string {
  if (type === 'int') return 'a whole number';
  if (type === 'record') return 'an object';
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function unitOf(origin: unknown, amount: unknown): string {
  const unit = origin === 'string' ? ' character' : origin === 'array' ? ' item' : '';
  return unit && Number(amount) !== 1 ? `${unit}s` : unit;
}
