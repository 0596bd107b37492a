/** Brings one document to the API: as a new article, as an edit of the one it became before, or not at all. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type ApiAnswer, type ApiClient, codeOf } from './api-client.ts';
import { type ImportedDocument, Refusal } from './document.ts';
import type { ImportState } from './import-state.ts';
import { refusalOf } from './refusal.ts';

/** What the API has of a document. */
export interface KnownArticle {
  readonly id: string;
  readonly title: string;
  readonly isPublished: boolean;
  readonly revision: number;
}

export type Outcome = 'created' | 'updated' | 'unchanged';

const commandAnswer = z.object({ id: z.string(), revision: z.number() });
const found = z.object({
  results: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      isPublished: z.boolean(),
      revision: z.number(),
      externalId: z.string().nullable(),
      author: z.object({ id: z.string() }),
    }),
  ),
});

const FIELDS = 'id,title,isPublished,revision,externalId,author';
/** What one filter takes. */
const MAX_VALUES = 20;
const MAX_CHARACTERS = 1_900;
/** How often an article that a command speaks of is looked for, until the view has it. */
const LOOK_UPS = 40;
const LOOK_UP_PAUSE_MS = 250;

/** Finds the articles that documents have become, by `<authorId> <externalId>`. */
export async function findArticles(
  api: ApiClient,
  externalIds: readonly string[],
): Promise<ReadonlyMap<string, KnownArticle>> {
  const known = new Map<string, KnownArticle>();
  for (const values of batches(externalIds)) {
    let path: string | null =
      `/v1/articles?pageSize=100&fields=${FIELDS}&externalId=${encodeURIComponent(values.join(','))}`;
    while (path !== null) {
      const { status, body } = await api.call({ method: 'GET', path });
      if (status !== 200) throw refusalOf(status, body);
      for (const { author, externalId, ...article } of found.parse(body).results) {
        known.set(articleKey(author.id, externalId ?? ''), article);
      }
      path = nextPath(body);
    }
  }
  return known;
}

export function articleKey(authorId: string, externalId: string): string {
  return `${authorId} ${externalId}`;
}

export interface ArticleImporter {
  /** Imports one document; safe to repeat at any point. Throws {@link Refusal}. */
  bring(
    document: ImportedDocument,
    authorId: string,
    known: KnownArticle | undefined,
  ): Promise<{ id: string; outcome: Outcome }>;
}

/** Creates the importer of single documents. */
export function createArticleImporter(api: ApiClient, state: ImportState): ArticleImporter {
  return {
    async bring(document, authorId, known) {
      const remembered = state.find(document.externalId, authorId);
      if (known) {
        if (remembered?.hash === document.hash && remembered.id === known.id)
          return { id: known.id, outcome: 'unchanged' };
        return update(document, known);
      }
      const answer = await create(document, authorId);
      if (codeOf(answer.body) === 'external-id-taken')
        return update(document, await waitFor(document, authorId));
      if (answer.status !== 201) throw refusalOf(answer.status, answer.body);
      const { id } = commandAnswer.parse(answer.body);
      const isPublished = await publish(document, { id, isPublished: false, revision: 0 });
      return { id, outcome: answer.isReplayed && !isPublished ? 'unchanged' : 'created' };
    },
  };

  function create(
    { titles, html, tags, externalId }: ImportedDocument,
    authorId: string,
  ): Promise<ApiAnswer> {
    return firstFreeTitle(titles, (title) => {
      const body = { title, content: html, tags, externalId, authorId };
      const key = createHash('sha256').update(JSON.stringify(body)).digest('hex');
      return api.call({ method: 'POST', path: '/v1/articles', body, key: `import-${key}` });
    });
  }

  /** The API decides on its own state whether anything changes: the revision tells. */
  async function update(
    document: ImportedDocument,
    known: KnownArticle,
  ): Promise<{ id: string; outcome: Outcome }> {
    const { html, tags, titles } = document;
    const keepsTitle = titles.includes(known.title);
    const answer = await firstFreeTitle(keepsTitle ? [known.title] : titles, (title) =>
      api.call({ method: 'PATCH', path: `/v1/articles/${known.id}`, body: { title, content: html, tags } }),
    );
    if (answer.status !== 200) throw refusalOf(answer.status, answer.body);
    const { revision } = commandAnswer.parse(answer.body);
    const isNowPublished = await publish(document, { ...known, revision });
    return { id: known.id, outcome: revision !== known.revision || isNowPublished ? 'updated' : 'unchanged' };
  }

  /** True where it was not published before. */
  async function publish(document: ImportedDocument, article: Omit<KnownArticle, 'title'>): Promise<boolean> {
    if (document.isDraft || article.isPublished) return false;
    const body = document.publishedAt === null ? {} : { publishedAt: document.publishedAt };
    const answer = await api.call({ method: 'POST', path: `/v1/articles/${article.id}/publish`, body });
    if (codeOf(answer.body) === 'not-found')
      throw new Refusal('deleted', 'The article was deleted in Annals.');
    if (answer.status !== 200) throw refusalOf(answer.status, answer.body);
    return commandAnswer.parse(answer.body).revision > article.revision;
  }

  /** A create that the view does not show yet, of a run that was killed. */
  async function waitFor({ externalId }: ImportedDocument, authorId: string): Promise<KnownArticle> {
    for (let tries = 0; tries < LOOK_UPS; tries++) {
      const known = (await findArticles(api, [externalId])).get(articleKey(authorId, externalId));
      if (known) return known;
      await sleep(LOOK_UP_PAUSE_MS);
    }
    throw new Refusal(
      'external-id-taken',
      'The author has another article with this external id, and it is not to be seen.',
    );
  }
}

/** The answer for the first title that the author has not used yet, or the last refusal. */
async function firstFreeTitle(
  titles: readonly string[],
  attempt: (title: string) => Promise<ApiAnswer>,
): Promise<ApiAnswer> {
  let answer: ApiAnswer | undefined;
  for (const title of titles) {
    answer = await attempt(title);
    if (codeOf(answer.body) !== 'title-taken') return answer;
  }
  if (!answer) throw new Refusal('title', 'There is no title to try.');
  return answer;
}

function batches(externalIds: readonly string[]): string[][] {
  const result: string[][] = [];
  let length = 0;
  for (const id of externalIds) {
    const last = result.at(-1);
    if (last && last.length < MAX_VALUES && length + id.length + 1 <= MAX_CHARACTERS) {
      last.push(id);
      length += id.length + 1;
    } else {
      result.push([id]);
      length = id.length;
    }
  }
  return result;
}

/** `next` is a whole URL of the public host, which need not be the one that is called. */
function nextPath(body: unknown): string | null {
  const { next } = z.object({ next: z.string().nullable() }).parse(body);
  if (next === null) return null;
  const { pathname, search } = new URL(next, 'http://api.invalid');
  return pathname + search;
}
