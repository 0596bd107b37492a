/**
 * Parameterised SQL from pieces: what stands in a template is text, what is put into it is a parameter, unless it is
 * such a piece itself. So no value ever becomes text.
 */

/** A parameter's value; several are an array. */
export type SqlValue = string | number | boolean | null | readonly (string | number | boolean)[];

/** A piece of SQL: `values.length` is one less than `texts.length`. */
export class Sql {
  readonly texts: readonly string[];
  readonly values: readonly SqlValue[];

  constructor(texts: readonly string[], values: readonly SqlValue[]) {
    this.texts = texts;
    this.values = values;
  }
}

/** A statement as the driver takes it. */
export interface Statement {
  readonly text: string;
  readonly values: SqlValue[];
}

/** A piece of SQL from a template. */
export function sql(strings: TemplateStringsArray, ...parts: readonly (Sql | SqlValue)[]): Sql {
  const texts = [strings[0] ?? ''];
  const values: SqlValue[] = [];
  const append = (text: string) => {
    texts[texts.length - 1] += text;
  };
  for (const [index, part] of parts.entries()) {
    if (part instanceof Sql) {
      append(part.texts[0] ?? '');
      for (const [at, value] of part.values.entries()) {
        values.push(value);
        texts.push(part.texts[at + 1] ?? '');
      }
    } else {
      values.push(part);
      texts.push('');
    }
    append(strings[index + 1] ?? '');
  }
  return new Sql(texts, values);
}

/** Text of our own, never of a request: names of views, whole numbers. */
export function raw(text: string | number): Sql {
  return new Sql([String(text)], []);
}

/** Nothing. */
export const nothing: Sql = raw('');

/** `pieces` with `separator` between them. */
export function join(pieces: readonly Sql[], separator: string): Sql {
  const between = raw(separator);
  return pieces.reduce((all, piece, index) => (index === 0 ? piece : sql`${all}${between}${piece}`), nothing);
}

/** All of `conditions`. */
export function all(conditions: readonly Sql[]): Sql {
  return conditions.length === 0 ? raw('true') : join(conditions, ' and ');
}

/** Any of `conditions`, in parentheses. */
export function any(conditions: readonly Sql[]): Sql {
  return conditions.length === 0 ? raw('false') : sql`(${join(conditions, ' or ')})`;
}

/** The statement of a piece. Equal shapes give equal texts. */
export function compile(piece: Sql): Statement {
  const text = piece.texts.reduce((before, after, index) => `${before}$${index}${after}`);
  return { text, values: [...piece.values] };
}

/** A pattern that matches whatever contains `value`. */
export function containing(value: string): string {
  return `%${value.replace(/[\\%_]/g, '\\$&')}%`;
}
