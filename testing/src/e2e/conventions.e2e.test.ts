import {
  createArticle,
  getArticle,
  listArticles,
  publishArticle,
  updateArticle,
} from '@annals/contracts/publishing/article.routes';
import { addComment } from '@annals/contracts/publishing/comment.routes';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { Api, after, uniqueName } from './client.ts';
import { newPerson, type Person } from './people.ts';

const url = inject('stackUrl');
const anonymous = new Api(url);
let author: Person;

beforeAll(async () => {
  author = await newPerson(url, 'conv');
});

const draft = () => ({ title: `Convention ${uniqueName('article')}`, content: '<p>Words.</p>' });

describe('conditions', () => {
  test('If-Match compares the revision, and the refusal names the actual one', async () => {
    const created = await author.api.ok(createArticle, { body: draft() });
    const { body } = created;
    const params = { id: body.id };
    const seen = await author.api.ok(getArticle, {
      params: { idOrSlug: body.id },
      ...after(created),
    });
    const etag = seen.headers.get('etag') ?? '';
    await author.api.ok(updateArticle, {
      params,
      body: { tags: ['a'] },
      headers: { 'if-match': `W/${etag}` },
    });
    const stale = await author.api.call(updateArticle, {
      params,
      body: { tags: ['b'] },
      headers: { 'if-match': '"0"' },
    });
    expect(stale.status).toBe(412);
    expect(stale.body).toMatchObject({ code: 'revision-mismatch', actualRevision: 1 });
    await author.api.ok(updateArticle, { params, body: { tags: ['b'] }, headers: { 'if-match': '*' } });
  });

  test('If-None-Match of the newest representation is answered with 304', async () => {
    const created = await author.api.ok(createArticle, { body: draft() });
    const query = { params: { idOrSlug: created.body.id }, ...after(created) };
    const etag = (await author.api.ok(getArticle, query)).headers.get('etag') ?? '';
    const again = await author.api.call(getArticle, {
      params: query.params,
      headers: { 'if-none-match': etag },
    });
    expect(again.status).toBe(304);
    expect(again.headers.get('vary')?.toLowerCase()).toContain('authorization');
    expect(again.headers.get('cache-control')).toContain('private');
  });
});

describe('idempotency', () => {
  test('the same key and request give the first answer again', async () => {
    const body = draft();
    const headers = { 'idempotency-key': uniqueName('key') };
    const first = await author.api.ok(createArticle, { body, headers });
    const second = await author.api.ok(createArticle, { body, headers });
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    for (const name of ['location', 'etag', 'annals-position'])
      expect(second.headers.get(name)).toBe(first.headers.get(name));
  });

  test('another request under the same key is refused', async () => {
    const headers = { 'idempotency-key': uniqueName('key') };
    await author.api.ok(createArticle, { body: draft(), headers });
    expect((await author.api.call(createArticle, { body: draft(), headers })).body.code).toBe(
      'idempotency-key-reused',
    );
  });

  test('many at once have one effect', async () => {
    const created = await author.api.ok(createArticle, { body: draft() });
    await author.api.ok(publishArticle, { params: { id: created.body.id } });
    const headers = { 'idempotency-key': uniqueName('key') };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        author.api.call(addComment, { params: { id: created.body.id }, body: { content: 'Once.' }, headers }),
      ),
    );
    const successes = answers.filter(({ status }) => status === 201);
    expect(successes.length).toBeGreaterThanOrEqual(1);
    expect(new Set(successes.map(({ body }) => body.id)).size).toBe(1);
    for (const { status, body } of answers)
      if (status !== 201) expect(body.code).toBe('idempotency-in-flight');
  });

  test('a refusal of the input does not use the key up', async () => {
    const headers = { 'idempotency-key': uniqueName('key') };
    expect((await author.api.call(createArticle, { body: { title: 'x' }, headers })).status).toBe(422);
    await author.api.ok(createArticle, { body: draft(), headers });
  });
});

describe('positions', () => {
  test('a query waits for the position that a command answered with', async () => {
    for (let n = 0; n < 10; n++) {
      const created = await author.api.ok(createArticle, { body: draft() });
      const seen = await author.api.ok(getArticle, {
        params: { idOrSlug: created.body.id },
        ...after(created),
      });
      expect(
        (seen.headers.get('annals-position') ?? '') >= (created.headers.get('annals-position') ?? ''),
      ).toBe(true);
    }
  });

  test('a position past the head or of another log is unknown', async () => {
    const created = await author.api.ok(createArticle, { body: draft() });
    const position = created.headers.get('annals-position') ?? '';
    const future = position.replace(/.{4}$/, 'ffff').replace(/\.0/, '.1');
    const foreign = position.replace(/^./, (first) => (first === 'a' ? 'b' : 'a'));
    for (const unknown of [future, foreign]) {
      const answer = await anonymous.call(listArticles, { headers: { 'annals-min-position': unknown } });
      expect(answer.body.code).toBe('unknown-position');
    }
  });
});

describe('lists', () => {
  test('P5 pages and cursors visit every row once, in order', async () => {
    const writer = await newPerson(url, 'lister');
    let last = writer.registered;
    for (let n = 0; n < 7; n++)
      last = await writer.api.ok(createArticle, { body: { title: `Item ${n} of ${writer.username}` } });
    const query = { author: writer.username, sort: '-createdAt', pageSize: 3 };
    const walk = async (start: object) => {
      const titles: string[] = [];
      let page = await writer.api.ok(listArticles, { query: { ...query, ...start }, ...after(last) });
      for (;;) {
        titles.push(...page.body.results.map((item: { title: string }) => item.title));
        if (!page.body.next) return titles;
        const response = await fetch(page.body.next, {
          headers: { authorization: `Bearer ${writer.api.token}` },
        });
        page = { status: response.status, headers: response.headers, body: await response.json() };
        expect(page.status).toBe(200);
      }
    };
    const expected = [6, 5, 4, 3, 2, 1, 0].map((n) => `Item ${n} of ${writer.username}`);
    expect(await walk({})).toEqual(expected);
    expect(await walk({ cursor: 'start' })).toEqual(expected);
  });

  test('P5 counts are exact, P6 fields are chosen, content is left out', async () => {
    const writer = await newPerson(url, 'fields');
    const created = await writer.api.ok(createArticle, { body: draft() });
    const whole = await writer.api.ok(listArticles, { query: { author: writer.id }, ...after(created) });
    expect(whole.body.count).toBe(1);
    expect(whole.body.results[0]).not.toHaveProperty('content');
    const some = await fetch(`${url}/v1/articles?author=${writer.id}&fields=id,title`, {
      headers: { authorization: `Bearer ${writer.api.token}` },
    });
    const { results } = (await some.json()) as { results: object[] };
    expect(Object.keys(results[0] ?? {}).sort()).toEqual(['id', 'title']);
  });

  test('P5 search is stemmed, ranked and forgives a typo', async () => {
    const word = `zyxomma${uniqueName('').replace(/\W/g, '').replace(/\d/g, 'q')}`;
    const inBody = await author.api.ok(createArticle, {
      body: { title: `Plain ${uniqueName('text')}`, content: `<p>All about ${word}s.</p>` },
    });
    const inTitle = await author.api.ok(createArticle, {
      body: { title: `The ${word} story`, content: '<p>Words.</p>' },
    });
    const found = async (search: string) =>
      (await author.api.ok(listArticles, { query: { search }, ...after(inTitle) })).body.results.map(
        ({ id }: { id: string }) => id,
      );
    expect(await found(word)).toEqual([inTitle.body.id, inBody.body.id]);
    expect(await found(word.replace('xo', 'ox'))).toContain(inTitle.body.id);
  });
});

describe('documents of the API', () => {
  test('/openapi.json describes every route of the table', async () => {
    const { routes } = await import('@annals/contracts/routes');
    const response = await fetch(`${url}/openapi.json`);
    const document = (await response.json()) as {
      openapi: string;
      paths: Record<string, Record<string, unknown>>;
    };
    expect(document.openapi).toMatch(/^3\.1/);
    for (const route of routes)
      expect(document.paths[route.path]?.[route.method.toLowerCase()], route.name).toBeDefined();
  });

  test('/docs is a page that works without any other host, and problem types lead to pages', async () => {
    const page = await fetch(`${url}/docs`);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(await page.text()).not.toMatch(/(src|href)="https?:/);
    const problem = await anonymous.call(getArticle, { params: { idOrSlug: uniqueName('missing') } });
    const explained = await fetch(problem.body.type);
    expect(explained.status).toBe(200);
    expect(await explained.text()).toContain('not-found');
  });

  test('/health answers for the whole', async () => {
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });
});
