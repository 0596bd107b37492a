import { getUser } from '@annals/contracts/identity/user.routes';
import {
  createArticle,
  deleteArticle,
  getArticle,
  likeArticle,
  listArticles,
  listMyArticles,
  publishArticle,
  replaceArticle,
  restoreArticle,
  unpublishArticle,
  updateArticle,
} from '@annals/contracts/publishing/article.routes';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { type ArticleOptions, ids, writeArticle } from './articles.ts';
import { type Answer, Api, after, uniqueName } from './client.ts';
import { newPerson, type Person } from './people.ts';

const url = inject('stackUrl');
const anonymous = new Api(url);
let author: Person;
let reader: Person;

beforeAll(async () => {
  author = await newPerson(url, 'author');
  reader = await newPerson(url, 'reader');
});

const newArticle = (options: ArticleOptions = {}) => writeArticle(author, options);

describe('drafts', () => {
  test('P1 a draft is seen by its author alone', async () => {
    const { id, title, last } = await newArticle();
    const own = await author.api.ok(getArticle, { params: { idOrSlug: id }, ...after(last) });
    expect(own.body).toMatchObject({
      title,
      isPublished: false,
      publishedAt: null,
      tags: ['one'],
      isOwner: true,
      canEdit: true,
    });
    for (const api of [anonymous, reader.api]) {
      const hidden = await api.call(getArticle, { params: { idOrSlug: id }, ...after(last) });
      expect(hidden.body.code).toBe('not-found');
    }
    expect(ids(await author.api.ok(listMyArticles, after(last)))).toContain(id);
    expect(ids(await anonymous.ok(listArticles, { query: { pageSize: 100 }, ...after(last) }))).not.toContain(
      id,
    );
  });

  test('P1 content is sanitised to the allow-list', async () => {
    const { id, last } = await newArticle({
      body: {
        content:
          '<p onclick="x()">Hi<script>alert(1)</script> <a href="javascript:alert(1)">a</a><img src="https://x.org/i.png" onerror="x"></p>',
      },
    });
    const { body } = await author.api.ok(getArticle, { params: { idOrSlug: id }, ...after(last) });
    expect(body.content).toBe('<p>Hi <a>a</a><img src="https://x.org/i.png" /></p>');
  });

  test('P2 one author cannot use a title twice; another can, and gets a distinct slug', async () => {
    const { id, title, last } = await newArticle();
    const again = await author.api.call(createArticle, { body: { title: title.toUpperCase() } });
    expect(again.body.code).toBe('title-taken');
    const other = await reader.api.ok(createArticle, { body: { title } });
    const first = await author.api.ok(getArticle, { params: { idOrSlug: id }, ...after(last) });
    const second = await reader.api.ok(getArticle, { params: { idOrSlug: other.body.id }, ...after(other) });
    expect(second.body.slug).not.toBe(first.body.slug);
  });

  test('P15 an external id is unique per author', async () => {
    const externalId = uniqueName('ext');
    const { id, last } = await newArticle({ body: { externalId } });
    const again = await author.api.call(createArticle, {
      body: { title: `Another ${uniqueName('title')}`, externalId },
    });
    expect(again.body.code).toBe('external-id-taken');
    expect(ids(await author.api.ok(listArticles, { query: { externalId }, ...after(last) }))).toEqual([id]);
  });

  test('P3 PATCH changes some fields, PUT all, and who did it is kept', async () => {
    const { id, title } = await newArticle();
    const patched = await author.api.ok(updateArticle, { params: { id }, body: { content: '<p>New.</p>' } });
    const seen = await author.api.ok(getArticle, { params: { idOrSlug: id }, ...after(patched) });
    expect(seen.body).toMatchObject({
      title,
      content: '<p>New.</p>',
      tags: ['one'],
      updatedBy: author.id,
      revision: 1,
    });
    const put = await author.api.ok(replaceArticle, {
      params: { id },
      body: { title, content: '<p>Put.</p>', tags: [] },
    });
    expect((await author.api.ok(getArticle, { params: { idOrSlug: id }, ...after(put) })).body).toMatchObject(
      { content: '<p>Put.</p>', tags: [] },
    );
  });

  test('P3 nobody else may change an article: 404 for a draft, 403 for a publication', async () => {
    const draft = await newArticle();
    const publication = await newArticle({ publish: true });
    for (const [id, status] of [
      [draft.id, 404],
      [publication.id, 403],
    ] as const) {
      for (const route of [updateArticle, deleteArticle, publishArticle, unpublishArticle]) {
        const body = route === updateArticle ? { content: '<p>Mine.</p>' } : undefined;
        expect((await reader.api.call(route, { params: { id }, body })).status).toBe(status);
      }
    }
  });

  test('P3 an update to a title in use is refused and its own old title is free afterwards', async () => {
    const first = await newArticle();
    const second = await newArticle();
    const refused = await author.api.call(updateArticle, {
      params: { id: second.id },
      body: { title: first.title },
    });
    expect(refused.body.code).toBe('title-taken');
    await author.api.ok(updateArticle, {
      params: { id: first.id },
      body: { title: `${first.title} revised` },
    });
    await expect
      .poll(
        async () =>
          (await author.api.call(updateArticle, { params: { id: second.id }, body: { title: first.title } }))
            .status,
        { timeout: 10_000 },
      )
      .toBe(200);
  });
});

describe('publication', () => {
  test('P4 P7 a publication is seen by everyone, by id and by slug', async () => {
    const { id, last } = await newArticle({ publish: true });
    const byId = await anonymous.ok(getArticle, { params: { idOrSlug: id }, ...after(last) });
    expect(byId.body).toMatchObject({
      isPublished: true,
      isOwner: false,
      canEdit: false,
      isLiked: false,
      likeCount: 0,
      commentCount: 0,
    });
    expect(byId.body.author).toMatchObject({
      id: author.id,
      username: author.username,
      displayName: 'Ada Lovelace',
    });
    const bySlug = await anonymous.ok(getArticle, { params: { idOrSlug: byId.body.slug } });
    expect(bySlug.body.id).toBe(id);
  });

  test('P4 an empty article cannot be published', async () => {
    const created = await author.api.ok(createArticle, { body: { title: `Empty ${uniqueName('draft')}` } });
    const refused = await author.api.call(publishArticle, { params: { id: created.body.id } });
    expect(refused.body.code).toBe('not-publishable');
  });

  test('P4 publishing the published changes nothing', async () => {
    const { id, last } = await newArticle({ publish: true });
    const again = await author.api.ok(publishArticle, { params: { id } });
    expect(again.body).toEqual(last.body);
    expect(again.headers.get('annals-position')).toBe(last.headers.get('annals-position'));
  });

  test('P4 an unpublished article is a draft again, and comes back under its slug', async () => {
    const { id, last } = await newArticle({ publish: true });
    const { slug, publishedAt } = (
      await anonymous.ok(getArticle, { params: { idOrSlug: id }, ...after(last) })
    ).body;
    const unpublished = await author.api.ok(unpublishArticle, { params: { id } });
    expect(
      (await anonymous.call(getArticle, { params: { idOrSlug: slug }, ...after(unpublished) })).status,
    ).toBe(404);
    const renamed = await author.api.ok(updateArticle, {
      params: { id },
      body: { title: `Renamed ${uniqueName('article')}` },
    });
    expect((await author.api.ok(getArticle, { params: { idOrSlug: id }, ...after(renamed) })).body.slug).toBe(
      slug,
    );
    expect(publishedAt).not.toBeNull();
  });

  test('P4 a past publication date needs can_import', async () => {
    const { id } = await newArticle();
    const refused = await author.api.call(publishArticle, {
      params: { id },
      body: { publishedAt: '2020-01-01T00:00:00Z' },
    });
    expect(refused.body.code).toBe('forbidden');
  });

  test('P3 a deleted article is gone everywhere and comes back with all its history', async () => {
    const { id, title, last } = await newArticle({ publish: true });
    await reader.api.ok(likeArticle, { params: { id } });
    const deleted = await author.api.ok(deleteArticle, { params: { id } });
    expect((await anonymous.call(getArticle, { params: { idOrSlug: id }, ...after(deleted) })).status).toBe(
      404,
    );
    expect(
      ids(await anonymous.ok(listArticles, { query: { author: author.username }, ...after(deleted) })),
    ).not.toContain(id);
    expect((await author.api.call(updateArticle, { params: { id }, body: { tags: [] } })).status).toBe(404);
    const restored = await author.api.ok(restoreArticle, { params: { id } });
    const back = await anonymous.ok(getArticle, { params: { idOrSlug: id }, ...after(restored) });
    expect(back.body).toMatchObject({
      title,
      isPublished: true,
      likeCount: 1,
      revision: last.body.revision + 2,
    });
    expect((await author.api.call(restoreArticle, { params: { id } })).body).toEqual(restored.body);
  });

  test('P3 a deleted article is found by its author, and by staff, to be restored; others find none', async () => {
    const { id, title } = await newArticle({ publish: true });
    const staff = anonymous.as(inject('adminToken'));
    const deleted = await author.api.ok(deleteArticle, { params: { id } });
    const found = async (api: Api, route: typeof listArticles, query = {}) =>
      ids(await api.ok(route, { query: { isDeleted: 'true', ...query }, ...after(deleted) }));
    expect((await found(author.api, listMyArticles))[0]).toBe(id);
    expect(await found(author.api, listMyArticles, { 'title[contains]': title, sort: 'title' })).toEqual([
      id,
    ]);
    expect(await found(author.api, listArticles, { search: title })).toContain(id);
    expect(await found(staff, listArticles, { pageSize: 100 })).toContain(id);
    expect(await found(staff, listArticles, { author: author.username })).toContain(id);
    expect(await found(staff, listMyArticles)).toEqual([]);
    for (const api of [anonymous, reader.api])
      expect(await found(api, listArticles, { author: author.username })).toEqual([]);
    expect(await found(author.api, listMyArticles, { isDeleted: 'false' })).not.toContain(id);
    const restored = await author.api.ok(restoreArticle, { params: { id } });
    const left = await author.api.ok(listMyArticles, { query: { isDeleted: 'true' }, ...after(restored) });
    expect(ids(left)).not.toContain(id);
  });

  test('P3 a restoration is refused while its title is taken', async () => {
    const { id, title } = await newArticle();
    await author.api.ok(deleteArticle, { params: { id } });
    await expect
      .poll(async () => (await author.api.call(createArticle, { body: { title } })).status, {
        timeout: 10_000,
      })
      .toBe(201);
    expect((await author.api.call(restoreArticle, { params: { id } })).body.code).toBe('title-taken');
  });

  test('an author’s article count follows publications', async () => {
    const writer = await newPerson(url, 'writer');
    const created = await writer.api.ok(createArticle, {
      body: { title: `Counted ${uniqueName('article')}`, content: '<p>x</p>' },
    });
    const count = async (answer: Answer) =>
      (await anonymous.ok(getUser, { params: { idOrUsername: writer.id }, ...after(answer) })).body
        .articleCount;
    const params = { id: created.body.id };
    expect(await count(await writer.api.ok(publishArticle, { params }))).toBe(1);
    expect(await count(await writer.api.ok(unpublishArticle, { params }))).toBe(0);
  });
});
