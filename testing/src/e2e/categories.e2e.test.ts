import {
  createArticle,
  getArticle,
  listArticles,
  publishArticle,
  replaceArticle,
  updateArticle,
} from '@annals/contracts/publishing/article.routes';
import {
  createCategory,
  getCategory,
  listCategories,
  listTags,
  renameCategory,
  retireCategory,
} from '@annals/contracts/publishing/category.routes';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { ids, writeArticle } from './articles.ts';
import { Api, after, uniqueName } from './client.ts';
import { newPerson, type Person } from './people.ts';

const url = inject('stackUrl');
const anonymous = new Api(url);
const staff = anonymous.as(inject('adminToken'));
let author: Person;

beforeAll(async () => {
  author = await newPerson(url, 'author');
});

async function newCategory() {
  const name = `Category ${uniqueName('of')}`;
  const created = await staff.ok(createCategory, { body: { name } });
  return { id: created.body.id as string, name, slug: name.toLowerCase().replaceAll(' ', '-'), created };
}

describe('categories', () => {
  test('P11 are made by staff, and read by everyone, by id and by slug', async () => {
    const { id, name, slug, created } = await newCategory();
    for (const idOrSlug of [id, slug]) {
      const { body } = await anonymous.ok(getCategory, { params: { idOrSlug }, ...after(created) });
      expect(body).toMatchObject({ id, name, slug, isRetired: false, articleCount: 0, revision: 0 });
    }
    expect(
      ids(await anonymous.ok(listCategories, { query: { sort: '-createdAt', pageSize: 100 } })),
    ).toContain(id);
    expect((await author.api.call(createCategory, { body: { name: 'Mine' } })).body.code).toBe('forbidden');
    expect((await anonymous.call(getCategory, { params: { idOrSlug: uniqueName('no') } })).status).toBe(404);
  });

  test('P11 have a name and a slug of their own, whatever the case', async () => {
    const { name, slug } = await newCategory();
    const sameName = await staff.call(createCategory, {
      body: { name: name.toUpperCase(), slug: uniqueName('slug') },
    });
    expect(sameName.body.code).toBe('category-name-taken');
    const sameSlug = await staff.call(createCategory, { body: { name: uniqueName('Other'), slug } });
    expect(sameSlug.body.code).toBe('category-slug-taken');
    const many = await Promise.all(
      Array.from({ length: 5 }, () => staff.call(createCategory, { body: { name: `${name} again` } })),
    );
    expect(many.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
  });

  test('P11 a new name shows in every article, and the slug stays', async () => {
    const { id, slug } = await newCategory();
    const { id: article } = await writeArticle(author, { publish: true, body: { categoryId: id } });
    const name = uniqueName('Renamed');
    const renamed = await staff.ok(renameCategory, { params: { id }, body: { name } });
    const category = { id, slug, name };
    const seen = await anonymous.ok(getArticle, { params: { idOrSlug: article }, ...after(renamed) });
    expect(seen.body.category).toEqual(category);
    const listed = await anonymous.ok(listArticles, { query: { category: slug }, ...after(renamed) });
    expect(listed.body).toMatchObject({ count: 1, results: [{ id: article, category }] });
    expect((await anonymous.ok(getCategory, { params: { idOrSlug: slug } })).body.articleCount).toBe(1);
  });

  test('P11 a retired one keeps its articles and takes no new ones', async () => {
    const { id } = await newCategory();
    const { id: article } = await writeArticle(author, { publish: true, body: { categoryId: id } });
    const retired = await staff.ok(retireCategory, { params: { id } });
    expect((await staff.ok(retireCategory, { params: { id } })).body).toEqual(retired.body);
    const seen = await anonymous.ok(getArticle, { params: { idOrSlug: article }, ...after(retired) });
    expect(seen.body.category.id).toBe(id);
    const kept = { title: uniqueName('Kept title'), content: '<p>x</p>', tags: [], categoryId: id };
    await author.api.ok(replaceArticle, { params: { id: article }, body: kept });
    const body = { title: uniqueName('Refused title'), categoryId: id };
    const refused = await author.api.call(createArticle, { body });
    expect(refused.body.errors).toEqual([
      { pointer: '/categoryId', code: 'retired-category', message: 'takes no new articles' },
    ]);
  });

  test('P11 an article moves between categories, and to none', async () => {
    const [from, to] = [await newCategory(), await newCategory()];
    const { id } = await writeArticle(author, { publish: true, body: { categoryId: from.id } });
    const params = { id };
    const moved = await author.api.ok(updateArticle, { params, body: { categoryId: to.id } });
    const inOf = async (slug: string) =>
      ids(await anonymous.ok(listArticles, { query: { category: slug }, ...after(moved) }));
    expect([await inOf(from.slug), await inOf(to.slug), await inOf(`${from.id},${to.slug}`)]).toEqual([
      [],
      [id],
      [id],
    ]);
    const none = await author.api.ok(updateArticle, { params, body: { categoryId: null } });
    const seen = await anonymous.ok(getArticle, { params: { idOrSlug: id }, ...after(none) });
    expect(seen.body.category).toBeNull();
    const nowhere = { title: uniqueName('Nowhere'), categoryId: crypto.randomUUID() };
    const unknown = await author.api.call(createArticle, { body: nowhere });
    expect(unknown.body.errors[0]).toMatchObject({ pointer: '/categoryId', code: 'unknown-category' });
  });
});

test('P11 tags count published articles', async () => {
  const tag = uniqueName('tag');
  const draft = await writeArticle(author, { body: { tags: [tag] } });
  const published = await writeArticle(author, { publish: true, body: { tags: [tag, tag.toUpperCase()] } });
  const find = async (answer: typeof draft.last) => {
    const { body } = await anonymous.ok(listTags, { query: { name: tag }, ...after(answer) });
    return body.results[0];
  };
  expect(await find(published.last)).toEqual({ name: tag, articleCount: 1 });
  const both = await author.api.ok(publishArticle, { params: { id: draft.id } });
  expect(await find(both)).toEqual({ name: tag, articleCount: 2 });
});
