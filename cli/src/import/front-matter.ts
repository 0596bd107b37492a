/** Front matter: what a Markdown file says about itself before its text. */
import matter from 'gray-matter';
import { z } from 'zod';
import { Refusal } from './document.ts';

export interface FrontMatter {
  readonly title: string | null;
  readonly author: string | null;
  readonly tags: readonly string[];
  readonly isDraft: boolean;
  readonly date: Date | null;
}

const NOTHING: FrontMatter = { title: null, author: null, tags: [], isDraft: false, date: null };

/** YAML and JSON alone: the library would run JavaScript. */
function refuse(): never {
  throw new Error('only YAML and JSON are read');
}
const engines = { javascript: refuse, js: refuse, coffee: refuse, coffeescript: refuse };

/** Splits `text`. Front matter that is no mapping (a rule at the top of a text) counts as text. Throws {@link Refusal}. */
export function splitFrontMatter(text: string): { about: FrontMatter; body: string } {
  let parsed: { data: unknown; content: string };
  try {
    parsed = matter(text, { engines });
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
    throw new Refusal('front-matter', `The front matter cannot be read: ${reason}`);
  }
  const fields = mapping.safeParse(parsed.data);
  return fields.success
    ? { about: toFrontMatter(fields.data), body: parsed.content }
    : { about: NOTHING, body: text };
}

const mapping = z.record(z.string(), z.unknown());
const scalar = z.union([z.string(), z.number()]).transform(String);
const named = z.looseObject({ name: scalar }).transform(({ name }) => name);
const person = z.union([scalar, named, z.array(z.union([scalar, named])).transform(([first]) => first)]);
const words = z.union([scalar.transform((text) => text.split(',')), z.array(scalar)]);
const yes = z.union([z.boolean(), z.string().transform((text) => text === 'true')]);

function toFrontMatter(fields: Record<string, unknown>): FrontMatter {
  const read = <Schema extends z.ZodType>(schema: Schema, ...names: string[]): z.output<Schema> | undefined =>
    names.map((name) => schema.safeParse(fields[name]).data).find((value) => value !== undefined);
  return {
    title: read(scalar, 'title') ?? null,
    author: read(person, 'author', 'authors') ?? null,
    tags: read(words, 'tags', 'keywords', 'categories') ?? [],
    isDraft: read(yes, 'draft') === true || read(yes, 'published') === false,
    date: toDate(fields.publishedAt ?? fields.date),
  };
}

function toDate(value: unknown): Date | null {
  if (!(value instanceof Date) && typeof value !== 'string') return null;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? null : date;
}
