import { openReadSide, type ReadSide } from '@annals/testing/read-side';
import { type MongoServer, mongoKinds } from '@annals/testing/servers/mongodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Article, person } from './facts.fixture.ts';

for (const kind of mongoKinds.slice(0, 2)) {
  describe.skipIf(!kind.isThere)(`queries of documents in MongoDB: ${kind.name}`, () => {
    let server: MongoServer;
    let side: ReadSide;
    const ada = person('ada', 'Ada', 'Lovelace');
    const article = new Article({ author: ada, title: 'On engines' });
    beforeAll(async () => {
      server = await kind.start();
      side = await openReadSide({ mongodbUrl: server.url('annals') });
      await side.append(...ada.facts, article.created(), article.published());
    });
    afterAll(async () => {
      await side?.drop();
      await server?.remove();
    });

    test('I7 a profile by id and by name', async () => {
      for (const wanted of [ada.id, 'ADA']) {
        const { status, body } = await side.fresh(`/v1/users/${wanted}`);
        expect(status).toBe(200);
        expect(body).toMatchObject({ id: ada.id, username: 'ada', firstName: 'Ada' });
      }
      expect((await side.fresh('/v1/users/nobody-at-all')).status).toBe(404);
    });

    test('P7 an article by id and by slug, with its author', async () => {
      for (const wanted of [article.id, article.slug]) {
        const { status, body } = await side.fresh(`/v1/articles/${wanted}`);
        expect(status).toBe(200);
        expect(body).toMatchObject({ id: article.id, author: { username: 'ada' }, isPublished: true });
      }
      expect((await side.fresh('/v1/articles')).body.results).toHaveLength(1);
    });

    test('X5 a kept answer is never older than the documents', async () => {
      const path = `/v1/articles/${article.id}`;
      for (let n = 0; n < 5; n++) {
        await side.fresh(path);
        await side.get(path);
        await side.append(article.updated({ title: `Engines ${n}`, isPublished: true }));
        await side.fresh(`${path}?fields=title`);
        expect((await side.get(path)).body.title).toBe(`Engines ${n}`);
      }
    });

    test('its own documents are in MongoDB, none of them in PostgreSQL', async () => {
      const { rows } = await side.pool.query('select consumer from consumers.checkpoints order by 1');
      const here = rows.map(({ consumer }) => consumer);
      expect(here).toContain('article_list_v4');
      expect(here).not.toContain('article_details_v3');
      expect(here).not.toContain('profile_documents_v4');
    });

    test('a view that nobody folds shows in a metric of its readers', async () => {
      const unowned = async () => {
        const text = await (await fetch(`${side.queryOpsUrl}/metrics`)).text();
        const lines = text.matchAll(/^annals_consumer_unowned\{.*?consumer="(\w+)".*\} ([01])$/gm);
        return Object.fromEntries([...lines].map(([, consumer, value]) => [consumer, value]));
      };
      const folded = await unowned();
      // Views of all queries, and one that a single file of them defines.
      expect(Object.keys(folded)).toEqual(expect.arrayContaining(['article_details_v3', 'accounts_v3']));
      expect(Object.keys(folded)).not.toContain('article_list_v4');
      expect(new Set(Object.values(folded))).toEqual(new Set(['0']));
      await side.projector.stop();
      expect(new Set(Object.values(await unowned()))).toEqual(new Set(['1']));
    });
  });
}
