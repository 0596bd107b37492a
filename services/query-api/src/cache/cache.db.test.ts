import { as, openReadSide, type ReadSide } from '@annals/testing/read-side';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Article, follows, ids, person } from '../facts.fixture.ts';
import { articleDetails } from '../views.ts';

let side: ReadSide;
const [ada, grace] = [person('ada', 'Ada', 'Lovelace'), person('grace')];
const article = new Article({ author: ada, title: 'On engines', tags: ['one'] });
const comment = article.commented(grace, 'Indeed.');

beforeAll(async () => {
  side = await openReadSide();
  await side.append(...ada.facts, ...grace.facts, article.created(), article.published(), comment);
  await side.fresh('/v1/articles');
});
afterAll(() => side?.drop());

/** The answer's bytes, and whether it had been kept. */
async function raw(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${side.mainUrl}${path}`, { headers });
  const isHit = response.headers.get('server-timing')?.includes('cache;desc="hit"') ?? false;
  return { status: response.status, headers: response.headers, body: await response.text(), isHit };
}

/** Waits until `path`, asked as of now, is answered from what was kept. */
async function warm(path: string) {
  await side.fresh(path);
  const made = await raw(path);
  return made.isHit ? made : raw(path);
}

const paths = [
  '/v1/articles',
  '/v1/articles?tag=one&sort=-likeCount&fields=id,title',
  '/v1/articles?search=engines',
  '/v1/articles?cursor=start',
  `/v1/articles/${article.id}`,
  `/v1/articles/${article.slug}`,
  `/v1/articles/${article.id}/comments`,
  `/v1/articles/${article.id}/likes`,
  `/v1/comments/${comment.id}`,
  '/v1/trending',
  '/v1/users',
  `/v1/users/${ada.username}`,
  `/v1/users/${ada.id}/followers`,
];

describe('X5 a kept answer', () => {
  test.each(paths)('is the same bytes under the same headers: %s', async (path) => {
    const hit = await warm(path);
    expect([hit.status, hit.isHit]).toEqual([200, true]);
    const made = await raw(path, { origin: 'https://elsewhere.test', prefer: 'wait=1' });
    const long = await raw(path, { authorization: as(grace.id) });
    expect(made.body).toBe(hit.body);
    const shown = ({ headers }: typeof hit) =>
      [...headers.keys()].filter((name) => !['date', 'annals-position'].includes(name)).sort();
    expect(shown(hit)).toEqual(shown(long));
    for (const name of ['cache-control', 'etag', 'content-type'])
      expect(made.headers.get(name), name).toBe(hit.headers.get(name));
    expect(hit.headers.get('vary')).toContain('Authorization');
    expect(hit.headers.get('cache-control')).toBe('private, no-cache');
    expect(hit.headers.get('etag')).toMatch(/^"(\d+-)?[\w-]{22}"$/);
  });

  test.each(paths)('is not sent to who has it: %s', async (path) => {
    const { headers } = await warm(path);
    const etag = headers.get('etag') ?? '';
    for (const tags of [etag, `"other", ${etag}`, '*']) {
      const again = await raw(path, { 'if-none-match': tags });
      expect([again.status, again.body, again.headers.get('etag')], tags).toEqual([304, '', etag]);
    }
    expect((await raw(path, { 'if-none-match': '"other"' })).status).toBe(200);
    expect((await raw(path, { 'if-none-match': 'nonsense' })).status).toBe(400);
  });

  test('is never older than its projection', async () => {
    for (let n = 0; n < 10; n++) {
      for (const path of paths) await warm(path);
      const liker = person(`liker-${n}`);
      const position = await side.append(
        ...liker.facts,
        article.updated({ title: `Engines ${n}`, isPublished: true }),
        article.liked(liker),
        follows(liker, ada),
      );
      // The replica has heard of what the projections have got to.
      const told = await side.fresh(`/v1/articles?pageSize=${n + 1}`);
      expect(String(told.headers.get('annals-position')) >= position).toBe(true);
      await side.fresh(`/v1/articles?search=nothing-${n}`);
      await side.fresh(`/v1/articles/${article.id}?fields=id`);
      for (const path of paths.slice(0, 6)) expect((await raw(path)).body, path).toContain(`Engines ${n}`);
      await side.fresh(`/v1/users/${ada.id}/followers?pageSize=${n + 1}`);
      expect(JSON.parse((await raw(`/v1/users/${ada.id}/followers`)).body).count).toBe(n + 1);
      await side.fresh(`/v1/articles/${article.id}/likes?pageSize=${n + 1}`);
      expect(JSON.parse((await raw(`/v1/articles/${article.id}/likes`)).body).count).toBe(n + 1);
    }
  });

  test('reflects the position that is asked for', async () => {
    for (let n = 0; n < 10; n++) {
      await warm(`/v1/articles/${article.id}`);
      const position = await side.append(article.updated({ title: `Looms ${n}`, isPublished: true }));
      const headers = { 'annals-min-position': position, prefer: 'wait=10' };
      const [one, again] = [
        await raw(`/v1/articles/${article.id}`, headers),
        await raw(`/v1/articles/${article.id}`, headers),
      ];
      expect(JSON.parse(one.body).title).toBe(`Looms ${n}`);
      expect(again.body).toBe(one.body);
      for (const answer of [one, again])
        expect(String(answer.headers.get('annals-position')) >= position).toBe(true);
    }
    const future = (await side.log.head()).replace(/.{4}$/, 'ffff');
    await warm('/v1/articles');
    expect((await raw('/v1/articles', { 'annals-min-position': future })).status).toBe(400);
    expect((await raw('/v1/articles', { 'annals-min-position': 'nonsense' })).status).toBe(400);
  });

  test('is for whom it was made', async () => {
    const path = `/v1/articles/${article.id}`;
    const shown = { isOwner: false, isLiked: false, canEdit: false };
    await warm(path);
    for (const caller of [as(ada.id), as(grace.id), as(grace.id, 'staff')]) {
      expect((await raw(path, { authorization: caller })).isHit).toBe(false);
      expect((await raw(path, { authorization: caller })).isHit).toBe(true);
    }
    const isOwner = { ...shown, isOwner: true, canEdit: true };
    expect(JSON.parse((await raw(path)).body)).toMatchObject(shown);
    expect(JSON.parse((await raw(path, { authorization: as(ada.id) })).body)).toMatchObject(isOwner);
    expect(JSON.parse((await raw(path, { authorization: as(grace.id) })).body)).toMatchObject(shown);
    const edits = { ...shown, canEdit: true };
    expect(JSON.parse((await raw(path, { authorization: as(grace.id, 'staff') })).body)).toMatchObject(edits);
    await side.append(article.liked(grace));
    const liked = await side.fresh(path, { as: as(grace.id) });
    expect(liked.body).toMatchObject({ ...shown, isLiked: true });
    await side.append(article.unliked(grace));
    await side.fresh(path);
    const again = await raw(path, { authorization: as(grace.id) });
    expect(JSON.parse(again.body)).toMatchObject(shown);
    const draft = new Article({ author: ada, title: 'A draft' });
    await side.append(draft.created());
    expect(ids(await side.fresh('/v1/articles', { as: as(ada.id) }))).toContain(draft.id);
    expect((await raw('/v1/articles')).body).not.toContain(draft.id);
  });

  test('that a permission of a moment ago allowed is not given once it is taken back', async () => {
    const draft = new Article({ author: ada, title: 'For staff alone' });
    const path = `/v1/articles/${draft.id}`;
    const statusOf = async () => (await side.fresh(path, { as: as(grace.id) })).status;
    const grant = { userId: grace.id, permission: 'staff' };
    await side.append(draft.created(), { type: 'PermissionGranted', data: grant });
    // The caller's token tells nothing of it: it is found in the log.
    expect([await statusOf(), await statusOf()]).toEqual([200, 200]);
    await side.append({ type: 'PermissionRevoked', data: grant });
    expect(await statusOf()).toBe(404);
    expect((await raw(path, { authorization: as(grace.id) })).status).toBe(404);
  });

  test('goes with what it shows', async () => {
    const gone = new Article({ author: grace, title: 'Soon gone' });
    await side.append(gone.created(), gone.published());
    const path = `/v1/articles/${gone.id}`;
    expect((await warm(path)).status).toBe(200);
    await side.append(gone.unpublished());
    await side.fresh('/v1/users?pageSize=1');
    await side.fresh(`/v1/articles/${article.id}?fields=id`);
    expect((await raw(path)).status).toBe(404);
    await side.fresh('/v1/articles?pageSize=3');
    expect((await raw('/v1/articles')).body).not.toContain(gone.id);
  });

  test('stays while other documents change', async () => {
    const other = new Article({ author: grace, title: 'Another' });
    await side.append(other.created(), other.published());
    const path = `/v1/articles/${article.id}`;
    const isKept = async (n: number) => {
      await warm(path);
      await side.append(other.updated({ title: `Another ${n}`, isPublished: true }));
      expect((await side.fresh(`/v1/articles/${other.id}`)).body.title).toBe(`Another ${n}`);
      return (await raw(path)).isHit;
    };
    // Whoever looks just then at how far the views are knows less than what is announced.
    let kept = 0;
    for (let n = 0; n < 5; n++) if (await isKept(n)) kept++;
    expect(kept).toBeGreaterThan(0);
  });

  test('is not made where something of its views is parked', async () => {
    const position = await side.log.head();
    await side.pool.query(`insert into consumers.parked_keys values ($3, $1, $2, 'x')`, [
      article.id,
      position,
      articleDetails.name,
    ]);
    const path = `/v1/articles/${article.id}?fields=title`;
    expect([(await raw(path)).isHit, (await raw(path)).isHit]).toEqual([false, false]);
    await side.pool.query('delete from consumers.parked_keys');
  });
});
