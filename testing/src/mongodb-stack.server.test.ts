import { getMe, getUser, updateMe } from '@annals/contracts/identity/user.routes';
import { getArticle, updateArticle } from '@annals/contracts/publishing/article.routes';
import { addComment } from '@annals/contracts/publishing/comment.routes';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeArticle } from './e2e/articles.ts';
import { Api, after } from './e2e/client.ts';
import { newPerson, type Person } from './e2e/people.ts';
import { expectViewsAsRebuilt } from './guarantees/rebuild.ts';
import { type MongoServer, productionLike } from './servers/mongodb.ts';
import { startTestStack, type TestStack } from './stack.ts';
import { unlimited } from './tuning.ts';

describe.skipIf(!productionLike.isThere)(
  `a stack with its documents in MongoDB: ${productionLike.name}`,
  () => {
    let server: MongoServer;
    let stack: TestStack;
    let author: Person;
    beforeAll(async () => {
      server = await productionLike.start();
      stack = await startTestStack({ mongodbUrl: server.url('annals'), tuning: unlimited });
      author = await newPerson(stack.url, 'author');
    });
    afterAll(async () => {
      await stack?.stop();
      await server?.remove();
    });

    test('I7 a profile is read back as it was just changed', async () => {
      for (const firstName of ['Grace', 'Barbara', 'Edith']) {
        const changed = await author.api.ok(updateMe, { body: { firstName } });
        const profile = await new Api(stack.url).ok(getUser, {
          params: { idOrUsername: author.username },
          ...after(changed),
        });
        expect(profile.body).toMatchObject({ id: author.id, firstName });
        expect((await author.api.ok(getMe, after(changed))).body).toMatchObject({ firstName });
      }
    });

    test('P7 an article is read back with the comment just made, whoever asks', async () => {
      const { id } = await writeArticle(author, { publish: true });
      const changed = await author.api.ok(updateArticle, {
        params: { id },
        body: { content: '<p>Other words.</p>' },
      });
      const commented = await author.api.ok(addComment, { params: { id }, body: { content: 'Well said' } });
      for (const api of [author.api, new Api(stack.url)]) {
        const { body } = await api.ok(getArticle, { params: { idOrSlug: id }, ...after(commented) });
        expect(body).toMatchObject({
          content: '<p>Other words.</p>',
          author: { username: author.username },
          comments: [{ content: 'Well said', author: { username: author.username } }],
        });
      }
      expect(changed.status).toBe(200);
    });

    test('views in both stores are those of a rebuild, byte by byte', async () => {
      expect(await expectViewsAsRebuilt(stack)).toBeGreaterThan(0);
    });

    test('operators see the consumers of both stores', async () => {
      const answer = await fetch(`${stack.opsUrl('projector')}/admin/status`, {
        headers: { authorization: `Bearer ${stack.operatorToken}` },
      });
      const { consumers } = (await answer.json()) as {
        consumers: { consumer: string; owner: string | null }[];
      };
      const owners = new Map(consumers.map(({ consumer, owner }) => [consumer, owner]));
      for (const view of ['article_details_v3', 'profile_documents_v4', 'profiles_v4', 'article_list_v4'])
        expect(owners.get(view), view).toBeTruthy();
    });
  },
);
