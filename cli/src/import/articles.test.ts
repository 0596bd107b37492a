import { describe, expect, test } from 'vitest';
import type { ApiAnswer, ApiClient, ApiRequest } from './api-client.ts';
import { createArticleImporter, findArticles, type KnownArticle } from './articles.ts';
import type { ImportedDocument } from './document.ts';
import { noState } from './import-state.ts';

const document: ImportedDocument = {
  file: { path: '/posts/a.md', relative: 'a.md' },
  externalId: 'posts/a.md',
  titles: ['Title', 'Title (posts)'],
  html: '<p>text</p>',
  tags: [],
  author: 'Ada',
  isDraft: false,
  publishedAt: null,
  hash: 'h1',
};
const known: KnownArticle = { id: 'a1', title: 'Title (posts)', isPublished: true, revision: 3 };

/** An API that answers by method and path, and remembers what it was asked. */
function api(answers: (request: ApiRequest) => Partial<ApiAnswer>): ApiClient & { requests: ApiRequest[] } {
  const requests: ApiRequest[] = [];
  return {
    requests,
    call: async (request) => {
      requests.push(request);
      return { status: 200, body: { id: 'a1', revision: 3 }, isReplayed: false, ...answers(request) };
    },
  };
}

const titleOf = ({ body }: ApiRequest) => (body as { title?: string }).title;
const taken = { status: 409, body: { code: 'title-taken' } };

describe('P15 bringing a document', () => {
  test('a title that its author has used gets the folder’s name', async () => {
    const client = api(({ path, ...request }) => {
      if (path !== '/v1/articles') return { body: { id: 'a1', revision: 1 } };
      return titleOf({ path, ...request }) === 'Title'
        ? taken
        : { status: 201, body: { id: 'a1', revision: 0 } };
    });
    const outcome = await createArticleImporter(client, noState).bring(document, 'u1', undefined);
    expect(outcome).toEqual({ id: 'a1', outcome: 'created' });
    expect(client.requests.map(titleOf)).toEqual(['Title', 'Title (posts)', undefined]);
  });

  test('keys differ by title and content, and are the same for the same', async () => {
    const keysOf = async (one: ImportedDocument) => {
      const client = api(({ path }) => (path === '/v1/articles' ? taken : {}));
      await createArticleImporter(client, noState)
        .bring(one, 'u1', undefined)
        .catch(() => undefined);
      return client.requests.map(({ key }) => key);
    };
    const keys = await keysOf(document);
    expect(await keysOf(document)).toEqual(keys);
    expect(new Set([...keys, ...(await keysOf({ ...document, html: '<p>other</p>' }))]).size).toBe(4);
  });

  test('one that is there keeps a title of its own, and counts as updated where its revision moved', async () => {
    const unchanged = api(() => ({}));
    expect(await createArticleImporter(unchanged, noState).bring(document, 'u1', known)).toEqual({
      id: 'a1',
      outcome: 'unchanged',
    });
    expect(unchanged.requests.map(titleOf)).toEqual(['Title (posts)']);
    const changed = api(() => ({ body: { id: 'a1', revision: 4 } }));
    expect(await createArticleImporter(changed, noState).bring(document, 'u1', known)).toMatchObject({
      outcome: 'updated',
    });
  });

  test('a file that was not edited since its last import leaves edits made in Annals alone', async () => {
    const client = api(() => ({}));
    const state = {
      ...noState,
      find: () => ({ externalId: 'posts/a.md', author: 'u1', id: 'a1', hash: 'h1' }),
    };
    expect(
      await createArticleImporter(client, state).bring(document, 'u1', { ...known, revision: 9 }),
    ).toMatchObject({
      outcome: 'unchanged',
    });
    expect(client.requests).toEqual([]);
  });

  test('a create that was cut off before it was published is published', async () => {
    const client = api(({ path }) =>
      path === '/v1/articles'
        ? { status: 201, body: { id: 'a1', revision: 0 }, isReplayed: true }
        : { body: { id: 'a1', revision: 1 } },
    );
    const outcome = await createArticleImporter(client, noState).bring(document, 'u1', undefined);
    expect(outcome).toMatchObject({ outcome: 'created' });
    expect(client.requests.map(({ path }) => path)).toEqual(['/v1/articles', '/v1/articles/a1/publish']);
  });

  test('drafts are not published, and refusals carry every mistake', async () => {
    const client = api(() => ({ status: 201, body: { id: 'a1', revision: 0 } }));
    await createArticleImporter(client, noState).bring({ ...document, isDraft: true }, 'u1', undefined);
    expect(client.requests).toHaveLength(1);
    const errors = [
      { pointer: '/title', code: 'x', message: 'must not contain: spam' },
      { pointer: '/tags', code: 'y', message: 'too many' },
    ];
    const refusing = api(() => ({ status: 422, body: { code: 'validation-failed', detail: 'No.', errors } }));
    await expect(
      createArticleImporter(refusing, noState).bring(document, 'u1', undefined),
    ).rejects.toMatchObject({
      code: 'validation-failed',
      message: 'No. title must not contain: spam; tags too many',
    });
  });
});

test('articles are looked up many at a time, within the limits of a filter, over all pages', async () => {
  const item = (externalId: string) => ({ ...known, externalId, author: { id: 'u1' } });
  const client = api(({ path }) => {
    const query = new URL(path, 'http://api').searchParams;
    const ids = query.get('externalId')?.split(',') ?? [];
    expect(ids.length).toBeLessThanOrEqual(20);
    expect(query.get('externalId')?.length).toBeLessThanOrEqual(2_000);
    if (query.get('page') === '2') return { body: { results: ids.slice(1).map(item), next: null } };
    return {
      body: {
        results: ids.slice(0, 1).map(item),
        next: `https://public.example/v1/articles?${query}&page=2`,
      },
    };
  });
  const ids = Array.from({ length: 50 }, (_, index) => `${'x'.repeat(index % 2 ? 150 : 5)}/${index}`);
  const found = await findArticles(client, ids);
  expect([...found.keys()].sort()).toEqual(ids.map((id) => `u1 ${id}`).sort());
});
