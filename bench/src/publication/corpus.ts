/**
 * Real texts: the Markdown files of the installed packages, cut at their headings, by their authors. The same
 * installation always gives the same ones.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { nameOf, splitName } from '@annals/cli/import/author';
import { findFiles } from '@annals/cli/import/find-files';
import { isBlank, renderMarkdown } from '@annals/cli/import/markdown';
import { createPackageLookup, type PackageInfo } from '@annals/cli/import/packages';
import { titlesFor } from '@annals/cli/import/title';
import { repositoryFolder } from '@annals/cli/local/layout';
import { sanitise } from '@annals/command-api/publishing/html';
import { slugOf } from '@annals/command-api/publishing/slug';
import { foldTitle } from '@annals/contracts/publishing/docs';
import { excerptOf, htmlToText, readingMinutes } from '@annals/projector/publishing/html-text';
import type pg from 'pg';

/** A text as an article has it. */
interface Piece {
  /** From 1. */
  readonly author: number;
  /** No two are alike, and neither are slugs. */
  readonly title: string;
  readonly slug: string;
  /** Sanitised HTML. */
  readonly content: string;
  readonly excerpt: string;
  readonly readingMinutes: number;
  readonly tags: readonly string[];
}

interface Author {
  readonly firstName: string;
  readonly lastName: string;
}

export interface Corpus {
  readonly pieces: readonly Piece[];
  readonly authors: readonly Author[];
}

/** Characters of a text: shorter ones are no articles, and of longer ones there are few. */
const SHORTEST = 300;
const LONGEST = 20_000;
const MAX_TAGS = 5;
/** Leaves room for what tells copies apart. */
const LONGEST_TITLE = 180;

/** Reads `count` texts, or as many as there are. */
export async function readCorpus(count: number): Promise<Corpus> {
  const root = join(repositoryFolder, 'node_modules');
  const packageOf = createPackageLookup(root);
  const authors = new Map<string, number>();
  const pieces: Piece[] = [];
  const known = new Set<string>();
  for (const file of await findFiles(root, { nodeModules: true })) {
    const info = await packageOf(dirname(file.path));
    const name = nameOf(info?.author ?? '') ?? info?.name;
    if (!info || name === undefined) continue;
    const author = authors.get(name) ?? authors.size + 1;
    for (const section of sectionsOf(await readFile(file.path, 'utf8'))) {
      const piece = toPiece(section, author, info, known);
      if (!piece) continue;
      authors.set(name, author);
      pieces.push(piece);
      if (pieces.length === count) return { pieces, authors: [...authors.keys()].map(splitName) };
    }
  }
  return { pieces, authors: [...authors.keys()].map(splitName) };
}

/** Headings within fences of code begin sections as well: what they begin is real text all the same. */
function sectionsOf(text: string): string[] {
  return text
    .split(/^(?=#{1,3} )/m)
    .filter((section) => section.length >= SHORTEST && section.length <= LONGEST && section.isWellFormed());
}

function toPiece(section: string, author: number, info: PackageInfo, known: Set<string>): Piece | null {
  const { html, heading } = renderMarkdown(section, true);
  const content = sanitise(html);
  const text = htmlToText(content);
  if (isBlank(content) || content.includes('\0') || text.length < SHORTEST) return null;
  const titles = titlesFor(heading ?? info.name, [info.name], '');
  const title = titles.find(
    (one) => one.length <= LONGEST_TITLE && !known.has(foldTitle(one)) && !known.has(slugOf(one, '', 0)),
  );
  if (title === undefined) return null;
  const slug = slugOf(title, '', 0);
  known.add(foldTitle(title)).add(slug);
  const tags = info.keywords
    .map((tag) => tag.trim().toLowerCase())
    .filter((tag) => /^[\p{L}\p{N} -]{1,50}$/u.test(tag));
  return {
    author,
    title,
    slug,
    content,
    excerpt: excerptOf(text),
    readingMinutes: readingMinutes(text),
    tags: [...new Set(tags)].slice(0, MAX_TAGS),
  };
}

const CHUNK = 500;

/** Puts it into tables `corpus` and `corpus_author` of the connection's own. */
export async function loadCorpus(client: pg.Client, { pieces, authors }: Corpus): Promise<void> {
  await client.query(`
    create temporary table corpus (number serial primary key, author integer, title text, slug text, content text,
      excerpt text, "readingMinutes" integer, tags json);
    create temporary table corpus_author (number serial primary key, "firstName" text, "lastName" text)`);
  const columns = '(author, title, slug, content, excerpt, "readingMinutes", tags)';
  for (let first = 0; first < pieces.length; first += CHUNK) {
    await client.query(
      `insert into corpus ${columns} select author, title, slug, content, excerpt, "readingMinutes", tags
       from json_populate_recordset(null::corpus, $1)`,
      [JSON.stringify(pieces.slice(first, first + CHUNK))],
    );
  }
  await client.query(
    `insert into corpus_author ("firstName", "lastName")
     select "firstName", "lastName" from json_populate_recordset(null::corpus_author, $1)`,
    [JSON.stringify(authors)],
  );
  await client.query('analyze corpus; analyze corpus_author');
}

/**
 * SQL: articles numbered from `first` to `last`, with what the corpus has for each: the texts over and over, titles and
 * slugs told apart by the number of the time.
 */
export function articlesOf(first: string, last: string): string {
  return `
    select article.number, corpus.author, corpus.content, corpus.excerpt, corpus."readingMinutes", corpus.tags,
      corpus.title || case when time > 0 then ', part ' || time + 1 else '' end as title,
      corpus.slug || case when time > 0 then '-part-' || time + 1 else '' end as slug
    from (select count(*)::integer as size from corpus) counted
      cross join generate_series(${first}::integer, ${last}::integer) article (number)
      cross join lateral (select (article.number - 1) / size as time) copy
      join corpus on corpus.number = 1 + (article.number - 1) % size`;
}
