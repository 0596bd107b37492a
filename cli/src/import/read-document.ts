/** Reads a Markdown file into the article that it becomes. */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname } from 'node:path';
import { isCleanText } from '@annals/contracts/kit/primitives';
import { nameOf } from './author.ts';
import { type ImportedDocument, Refusal, type SourceFile } from './document.ts';
import { type FrontMatter, splitFrontMatter } from './front-matter.ts';
import { isBlank, renderMarkdown } from './markdown.ts';
import type { PackageInfo } from './packages.ts';
import { titlesFor } from './title.ts';

export interface ReadOptions {
  /** Starts the external ids: the same files under another name are other articles. */
  readonly source: string;
  /** The author of files that name none. */
  readonly defaultAuthor: string;
  /** The package of a folder; where there is one, it names author and tags of files that do not. */
  readonly packageOf: ((folder: string) => Promise<PackageInfo | null>) | null;
}

/** What the API takes, for the file and for what it renders to. */
const MAX_BYTES = 512 * 1024;
const MAX_EXTERNAL_ID = 200;
const MAX_TAGS = 20;
const MAX_TAG = 50;

/** Reads `file`. Throws {@link Refusal} where it cannot become an article. */
export async function readDocument(file: SourceFile, options: ReadOptions): Promise<ImportedDocument> {
  const { about, body } = splitFrontMatter(await readText(file.path));
  const { html, heading } = renderMarkdown(body, about.title === null);
  if (isBlank(html)) throw new Refusal('empty', 'The file has no text.');
  if (Buffer.byteLength(html) > MAX_BYTES) throw new Refusal('too-large', 'Rendered, it exceeds 512 KiB.');
  const info = (await options.packageOf?.(dirname(file.path))) ?? null;
  const isFuture = about.date !== null && about.date.getTime() > Date.now();
  const content = {
    externalId: externalIdOf(`${options.source}/${file.relative}`),
    titles: titlesOf(file, about, heading, options.source),
    html,
    tags: tagsOf(about, info),
    author: authorOf(about, info, options),
    isDraft: about.isDraft || isFuture,
    publishedAt: about.date === null || isFuture ? null : about.date.toISOString(),
  };
  const hash = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  return { file, ...content, hash };
}

async function readText(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > MAX_BYTES) throw new Refusal('too-large', 'The file exceeds 512 KiB.');
  const bytes = await readFile(path);
  if (!isUtf8(bytes) || bytes.includes(0)) throw new Refusal('not-text', 'The file is not text in UTF-8.');
  return bytes.toString('utf8').replace(/^\uFEFF/, '');
}

function titlesOf(file: SourceFile, about: FrontMatter, heading: string | null, source: string): string[] {
  const folders = [source, ...file.relative.split('/').slice(0, -1)];
  const fileName = basename(file.relative, extname(file.relative));
  return titlesFor(about.title ?? heading ?? fileName.replace(/[-_]+/g, ' '), folders, fileName);
}

/** Without commas: filters take several ids separated by them. Longer paths end in their hash. */
function externalIdOf(path: string): string {
  const id = path.toWellFormed().replace(/[%,\p{C}]/gu, encodeURIComponent);
  if (id.length <= MAX_EXTERNAL_ID && id.trim() === id) return id;
  const digest = createHash('sha256').update(path).digest('hex').slice(0, 32);
  return `${id
    .slice(0, MAX_EXTERNAL_ID - 33)
    .toWellFormed()
    .trim()}#${digest}`;
}

function tagsOf(about: FrontMatter, info: PackageInfo | null): string[] {
  const all = about.tags.length > 0 ? about.tags : (info?.keywords ?? []);
  const clean = all
    .map((tag) => tag.trim().toLowerCase())
    .filter((tag) => tag !== '' && tag.length <= MAX_TAG && isCleanText(tag));
  return [...new Set(clean)].slice(0, MAX_TAGS);
}

function authorOf(about: FrontMatter, info: PackageInfo | null, { defaultAuthor }: ReadOptions): string {
  return (
    nameOf(about.author ?? '') ?? nameOf(info?.author ?? '') ?? nameOf(info?.name ?? '') ?? defaultAuthor
  );
}
