import { problems } from '@annals/contracts/problems';
import { counterKeys, historyKey } from '@annals/contracts/publishing/docs';
import { routes } from '@annals/contracts/routes';
import { as, openReadSide, PUBLIC_URL, type ReadSide } from '@annals/testing/read-side';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Article, category, ids, person } from './facts.fixture.ts';
import {
  articleCounters,
  articleDetails,
  articleHistory,
  articleList,
  articleSearch,
  categories,
  categoryDocuments,
  comments,
  likes,
  profileDocuments,
  profiles,
} from './views.ts';

let side: ReadSide;
const ada = person('ada', 'Ada', 'Lovelace');
const article = new Article({ author: ada, title: 'A title' });
const path = `/v1/articles/${article.id}`;

beforeAll(async () => {
  side = await openReadSide();
  await side.append(...ada.facts, article.created(), article.published());
  await side.fresh(path);
});
afterAll(() => side?.drop());

/** Keeps the projector from moving a view on, until `release`. */
async function hold(view: string): Promise<{ release(): Promise<void> }> {
  const client = await side.pool.connect();
  await client.query('begin');
  await client.query(`lock table views.${view} in exclusive mode`);
  return {
    async release() {
      await client.query('rollback');
      client.release();
    },
  };
}

describe('positions', () => {
  test('every answer says what it reflects, and a query sees what it asks for', async () => {
    for (let n = 0; n < 20; n++) {
      const position = await side.append(article.updated({ title: `Title ${n}`, isPublished: true }));
      const headers = { 'annals-min-position': position, prefer: 'wait=10' };
      const [one, list] = await Promise.all([
        side.get(path, { headers }),
        side.get('/v1/articles', { headers }),
      ]);
      expect([one.body.title, list.body.results[0].title]).toEqual([`Title ${n}`, `Title ${n}`]);
      for (const { headers } of [one, list])
        expect(String(headers.get('annals-position')) >= position).toBe(true);
    }
  });

  test.each([
    [articleDetails.name, path],
    [profileDocuments.name, path],
    [articleList.name, '/v1/articles'],
    [profiles.name, '/v1/articles'],
    [categories.name, '/v1/articles'],
    [categoryDocuments.name, path],
    [articleCounters.name, '/v1/articles'],
    [articleSearch.name, '/v1/articles?search=title'],
    [likes.name, `${path}/likes`],
    [comments.name, `${path}/comments`],
    [profileDocuments.name, `/v1/users/${ada.id}`],
    [profiles.name, '/v1/users'],
  ])('wait for %s in %s, and then say that it is behind', async (view, asked) => {
    const held = await hold(view);
    try {
      const bio = `Bio ${view} ${asked}`;
      const comment = article.commented(ada, 'Well.');
      const position = await side.append(
        { type: 'ProfileUpdated', data: { userId: ada.id, bio } },
        article.updated({ title: `For ${view}`, isPublished: true }),
        article.unpublished(),
        article.published(),
        comment,
        category(`For ${view} ${asked}`),
        article.liked(person('reader')),
      );
      const headers = { 'annals-min-position': position, prefer: 'wait=1' };
      const behind = await side.get(asked, { headers });
      expect([behind.status, behind.body.code]).toEqual([503, 'projection-behind']);
      expect(behind.headers.get('retry-after')).toMatch(/^\d+$/);
      expect((await side.get(asked)).status).toBe(200);
      const waiting = side.get(asked, { headers: { ...headers, prefer: 'wait=10' } });
      await held.release();
      expect((await waiting).status).toBe(200);
    } finally {
      await held.release().catch(() => {});
    }
  });

  test('of another log, or past its head, are refused', async () => {
    const head = await side.log.head();
    const future = head.replace(/.{4}$/, 'ffff');
    const foreign = head.replace(/^./, (first) => (first === 'a' ? 'b' : 'a'));
    for (const position of [future, foreign]) {
      for (const asked of [path, '/v1/articles']) {
        const answer = await side.get(asked, { headers: { 'annals-min-position': position } });
        expect([answer.status, answer.body.code]).toEqual([400, 'unknown-position']);
        expect(answer.body.errors[0].header).toBe('Annals-Min-Position');
      }
    }
  });

  test('lists tell of parked events, and what has some is not passed off as whole', async () => {
    const position = await side.log.head();
    const park = (view: string, key: string) =>
      side.pool.query(`insert into consumers.parked_keys values ($1, $2, $3, 'x')`, [view, key, position]);
    await park(articleList.name, article.id);
    await park(articleDetails.name, article.id);
    await park(profileDocuments.name, ada.id);
    const headers = { 'annals-min-position': position };
    const list = await side.get('/v1/articles', { headers });
    expect([list.status, list.headers.get('annals-parked')]).toEqual([200, '1']);
    const names = [path, `/v1/articles/${article.slug}`, `/v1/users/${ada.id}`, '/v1/users/ada'];
    for (const asked of names) {
      const answer = await side.get(asked, { headers });
      expect([asked, answer.body.code]).toEqual([asked, 'projection-parked']);
      expect((await side.get(asked)).status).toBe(200);
    }
    await side.pool.query('delete from consumers.parked_keys');
    expect((await side.get('/v1/articles')).headers.get('annals-parked')).toBeNull();
  });

  test('categories, and what articles were, are not passed off as whole either', async () => {
    const engines = category('Engines');
    const position = await side.append(engines, article.updated({ title: 'Anew', isPublished: true }));
    const headers = { 'annals-min-position': position, prefer: 'wait=10' };
    const owner = { as: as(ada.id), headers };
    const asOf = `${path}?asOf=0`;
    for (const [view, key, asked] of [
      [categories.name, engines.id, `/v1/categories/${engines.id}`],
      [categories.name, engines.id, '/v1/categories/engines'],
      [articleCounters.name, counterKeys.category(engines.id), '/v1/categories/Engines'],
      [articleDetails.name, article.id, asOf],
      [articleHistory.name, historyKey(article.id, 0), asOf],
      [articleHistory.name, historyKey(article.id, 0), `${path}/history/1`],
    ] as const) {
      await side.pool.query(`insert into consumers.parked_keys values ($1, $2, $3, 'x')`, [
        view,
        key,
        position,
      ]);
      expect([asked, (await side.get(asked, owner)).body.code]).toEqual([asked, 'projection-parked']);
      await side.pool.query('delete from consumers.parked_keys');
      expect([asked, (await side.get(asked, owner)).status]).toEqual([asked, 200]);
    }
  });
});

test('slow queries hold up no quick ones', async () => {
  const client = await side.pool.connect();
  await client.query('begin');
  await client.query(`lock table views.${articleSearch.name} in access exclusive mode`);
  try {
    let isAnswered = false;
    const searches = Array.from({ length: 6 }, async () => {
      await side.get('/v1/articles?search=title');
      isAnswered = true;
    });
    await vi.waitFor(async () => {
      const { rows } = await side.pool.query<{ waiting: number }>(
        'select count(*)::integer as waiting from pg_locks where not granted',
      );
      expect(rows[0]?.waiting).toBeGreaterThanOrEqual(searches.length);
    });
    for (const asked of ['/v1/articles', path, '/v1/users/ada', '/v1/articles', path, '/v1/users/ada'])
      expect((await side.get(asked, { as: `Bearer ${ada.id}` })).status).toBe(200);
    expect(isAnswered).toBe(false);
    await client.query('rollback');
    await Promise.all(searches);
  } finally {
    await client.query('rollback');
    client.release();
  }
});

describe('people', () => {
  test('I7 a profile is public, and says whether its reader follows', async () => {
    const answer = await side.fresh('/v1/users/ADA');
    expect(Object.keys(answer.body)).toEqual([
      'id',
      'username',
      'firstName',
      'lastName',
      'displayName',
      'bio',
      'website',
      'avatarUrl',
      'joinedAt',
      'followerCount',
      'followingCount',
      'articleCount',
    ]);
    expect([answer.headers.get('cache-control'), answer.headers.get('vary')]).toEqual([
      'private, no-cache',
      'Authorization',
    ]);
    const headers = { 'if-none-match': String(answer.headers.get('etag')) };
    expect((await side.fresh(`/v1/users/${ada.id}`, { headers })).status).toBe(304);
    const seen = await side.fresh(`/v1/users/${ada.id}`, { as: `Bearer ${article.id}`, headers });
    expect(seen.body).toEqual({ ...answer.body, isFollowing: false });
    for (const unknown of ['nobody', article.id, '%00', 'a'.repeat(65), "'"]) {
      expect((await side.get(`/v1/users/${unknown}`)).body.code).toBe('not-found');
    }
  });

  test('I1 the own account has what nobody else sees', async () => {
    const { body, headers } = await side.fresh('/v1/me', { as: `Bearer ${ada.id}` });
    expect(body).toMatchObject({
      id: ada.id,
      username: 'ada',
      email: `${ada.id}@example.org`,
      emailConfirmed: false,
      permissions: [],
      preferences: {},
    });
    expect(headers.get('etag')).toContain(`"${body.revision}-`);
    expect((await side.get('/v1/me')).body.code).toBe('unauthenticated');
    expect((await side.get('/v1/me', { as: `Bearer ${article.id}` })).body.code).toBe('not-found');
  });

  test('I7 people are listed, found by parts of their names and sorted', async () => {
    const grace = person('Grace_Hopper');
    await side.append(...grace.facts);
    const found = async (query: string) => ids(await side.fresh(`/v1/users?${query}`));
    expect(await found('')).toEqual([grace.id, ada.id]);
    expect(await found('sort=username')).toEqual([ada.id, grace.id]);
    expect(await found('sort=-articleCount')).toEqual([ada.id, grace.id]);
    expect(await found('username=GRACE_hopper')).toEqual([grace.id]);
    expect(await found('username[contains]=CE_H')).toEqual([grace.id]);
    expect(await found('username[contains]=c%25h')).toEqual([]);
    expect((await side.fresh('/v1/users?fields=id,username')).body.results[0]).toEqual({
      id: grace.id,
      username: 'Grace_Hopper',
    });
  });
});

describe('documents of the API', () => {
  test('topics and push are described at /asyncapi.yaml, with the address that clients see', async () => {
    const { status, headers, body } = await side.get('/asyncapi.yaml');
    expect([status, headers.get('content-type')]).toEqual([200, 'application/yaml; charset=utf-8']);
    expect(body).toMatch(/^asyncapi: 3\.0\.0\n/);
    expect(body).toContain('host: annals.test\n');
    expect(body).toContain('address: annals.publishing.v1\n');
  });

  test('the description covers the whole route table', async () => {
    const { status, body } = await side.get('/openapi.json');
    expect([status, body.servers]).toEqual([200, [{ url: PUBLIC_URL }]]);
    for (const { path, method } of routes) expect(body.paths[path]).toHaveProperty(method.toLowerCase());
  });

  test('the page to try it loads nothing from elsewhere and allows no script of others', async () => {
    const page = await side.get('/docs');
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self';");
    const loaded = [...String(page.body).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url);
    expect(loaded.length).toBeGreaterThan(3);
    for (const url of loaded) {
      const asset = await side.get(new URL(String(url), 'http://x/docs').pathname);
      expect([url, asset.status]).toEqual([url, 200]);
      expect(asset.headers.get('content-type')).toMatch(
        /^(text\/(css|javascript); charset=utf-8|image\/png)$/,
      );
    }
    for (const absent of ['/docs/assets/x.js', '/docs/assets/..%2f..%2fpackage.json', '/docs/problems/x']) {
      expect((await side.get(absent)).status).toBe(404);
    }
  });

  test('every problem code has its page', async () => {
    for (const code of Object.keys(problems)) {
      const page = await side.get(`/docs/problems/${code}`);
      expect([code, page.status]).toEqual([code, 200]);
      expect(page.body).toContain(`<h1>${code}</h1>`);
    }
  });
});
