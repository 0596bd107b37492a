/** Imports a folder: finds, reads and brings its documents, many at a time, in bounded memory. */
import pLimit from 'p-limit';
import { Failure } from '../output.ts';
import type { ApiClient } from './api-client.ts';
import {
  articleKey,
  createArticleImporter,
  findArticles,
  type KnownArticle,
  type Outcome,
} from './articles.ts';
import { type Authors, createAuthors } from './authors.ts';
import { type ImportedDocument, Refusal, type SourceFile } from './document.ts';
import type { ImportState, StateEntry } from './import-state.ts';
import { type ReadOptions, readDocument } from './read-document.ts';

export interface RefusedFile {
  readonly file: string;
  readonly code: string;
  readonly reason: string;
}

export interface ImportReport {
  readonly files: number;
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly refused: readonly RefusedFile[];
  readonly authors: number;
  readonly newAuthors: number;
  /** True where it was interrupted; another run goes on from there. */
  readonly isPartial: boolean;
}

export interface ImportOptions extends ReadOptions {
  readonly api: ApiClient;
  readonly state: ImportState;
  /** Documents on their way at a time. */
  readonly concurrency: number;
  readonly signal?: AbortSignal;
  /** Called after each file. */
  readonly onProgress: (done: number) => void;
}

/** Documents that are read, looked up and remembered together. */
const CHUNK = 100;

/** Imports `files`. Refused files are reported and do not stop the others; an API that is out of reach does. */
export async function importFiles(
  files: readonly SourceFile[],
  options: ImportOptions,
): Promise<ImportReport> {
  const authors = createAuthors(options.api);
  const articles = createArticleImporter(options.api, options.state);
  const outcomes: Record<Outcome, number> = { created: 0, updated: 0, unchanged: 0 };
  const refused: RefusedFile[] = [];
  const authorIds = new Set<string>();
  const limit = pLimit(options.concurrency);
  let done = 0;

  /** Undefined, and noted, where `work` refuses the file. */
  async function unlessRefused<Result>(
    file: SourceFile,
    work: () => Promise<Result>,
  ): Promise<Result | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refused.push({ file: file.relative, code: error.code, reason: error.message });
      options.onProgress(++done);
      return undefined;
    }
  }

  async function bring(
    { document, authorId }: Attributed,
    known: KnownArticle | undefined,
  ): Promise<StateEntry> {
    const { id, outcome } = await articles.bring(document, authorId, known);
    outcomes[outcome]++;
    authorIds.add(authorId);
    options.onProgress(++done);
    return { externalId: document.externalId, author: authorId, id, hash: document.hash };
  }

  async function prepare(chunk: readonly SourceFile[]): Promise<Attributed[]> {
    const read = await limit.map(chunk, (file) =>
      unlessRefused(file, async () => attribute(await readDocument(file, options), authors)),
    );
    return read.filter((one) => one !== undefined);
  }

  async function bringAll(documents: readonly Attributed[]): Promise<void> {
    const known = await findArticles(
      options.api,
      documents.map(({ document }) => document.externalId),
    );
    const brought = await limit.map(documents, (one) =>
      unlessRefused(one.document.file, () =>
        bring(one, known.get(articleKey(one.authorId, one.document.externalId))),
      ),
    );
    await options.state.add(brought.filter((one) => one !== undefined));
  }

  /** While one chunk is brought to the API, the next one is read. */
  async function bringChunks(): Promise<void> {
    let next = prepare(files.slice(0, CHUNK));
    for (let start = CHUNK; ; start += CHUNK) {
      const documents = await next;
      const following = files.slice(start, start + CHUNK);
      next = prepare(following);
      next.catch(() => undefined);
      await bringAll(documents);
      if (following.length === 0) return;
    }
  }

  try {
    await bringChunks();
  } catch (error) {
    // Of no file in particular, such as a token that is over.
    if (error instanceof Refusal) throw new Failure(`${error.message} (${error.code})`);
    if (!options.signal?.aborted) throw error;
  }
  return {
    files: files.length,
    ...outcomes,
    refused: refused.sort((a, b) => (a.file < b.file ? -1 : 1)),
    authors: authorIds.size,
    newAuthors: authors.created(),
    isPartial: options.signal?.aborted === true,
  };
}

interface Attributed {
  readonly document: ImportedDocument;
  readonly authorId: string;
}

async function attribute(document: ImportedDocument, authors: Authors): Promise<Attributed> {
  return { document, authorId: await authors.idOf(document.author) };
}
