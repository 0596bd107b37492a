import { grantPermission } from '@annals/contracts/identity/user.routes';
import {
  featureArticle,
  getArticle,
  listArticles,
  listHistory,
  publishArticle,
  unfeatureArticle,
  unpublishArticle,
} from '@annals/contracts/publishing/article.routes';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { ids, writeArticle } from './articles.ts';
import { Api, after } from './client.ts';
import { newPerson, type Person } from './people.ts';

const url = inject('stackUrl');
const anonymous = new Api(url);
const staff = anonymous.as(inject('adminToken'));
let author: Person;

beforeAll(async () => {
  author = await newPerson(url, 'author');
});

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

describe('a publication to come', () => {
  test('P4 is seen by its author alone, and by everyone from its time on', async () => {
    const { id } = await writeArticle(author);
    const params = { id };
    const publishAt = inMs(1_500);
    const scheduled = await author.api.ok(publishArticle, { params, body: { publishAt } });
    const own = await author.api.ok(getArticle, { params: { idOrSlug: id }, ...after(scheduled) });
    expect(own.body).toMatchObject({ isPublished: false, publishAt, publishedAt: null });
    const read = () => anonymous.call(getArticle, { params: { idOrSlug: id } });
    await expect.poll(async () => (await read()).status, { timeout: 30_000 }).toBe(200);
    expect((await read()).body).toMatchObject({ publishAt: null, publishedAt: publishAt });
    const { body: history } = await author.api.ok(listHistory, { params });
    expect(history.results.map(({ type }: { type: string }) => type)).toEqual([
      'ArticlePublished',
      'ArticleScheduled',
      'ArticleCreated',
    ]);
    expect(history.results[0].by).toBeNull();
  });

  test('P4 is moved, and taken back', async () => {
    const { id } = await writeArticle(author);
    const params = { id };
    for (const publishAt of [inMs(3_600_000), inMs(7_200_000)]) {
      const scheduled = await author.api.ok(publishArticle, { params, body: { publishAt } });
      const { body } = await author.api.ok(getArticle, { params: { idOrSlug: id }, ...after(scheduled) });
      expect(body.publishAt).toBe(publishAt);
    }
    const back = await author.api.ok(unpublishArticle, { params });
    const { body } = await author.api.ok(getArticle, { params: { idOrSlug: id }, ...after(back) });
    expect(body).toMatchObject({ isPublished: false, publishAt: null, revision: 3 });
    expect((await author.api.ok(unpublishArticle, { params })).body).toEqual(back.body);
  });
});

describe('featured articles', () => {
  test('P4 are chosen by those who may, and no drafts', async () => {
    const editor = await newPerson(url, 'editor');
    const permission = { id: editor.id, permission: 'can_feature' };
    await staff.ok(grantPermission, { params: permission });
    const { id } = await writeArticle(author, { publish: true });
    const params = { id };
    expect((await author.api.call(featureArticle, { params })).body.code).toBe('forbidden');
    const featured = await editor.api.ok(featureArticle, { params });
    expect((await editor.api.ok(featureArticle, { params })).body).toEqual(featured.body);
    const query = { author: author.id, isFeatured: 'true' };
    expect(ids(await anonymous.ok(listArticles, { query, ...after(featured) }))).toEqual([id]);
    const unfeatured = await editor.api.ok(unfeatureArticle, { params });
    expect(ids(await anonymous.ok(listArticles, { query, ...after(unfeatured) }))).toEqual([]);

    const draft = await writeArticle(author);
    const hidden = await editor.api.call(featureArticle, { params: { id: draft.id } });
    expect(hidden.body.code).toBe('not-found');
    const refused = await staff.call(featureArticle, { params: { id: draft.id } });
    expect(refused.body.code).toBe('not-featurable');
  });
});
