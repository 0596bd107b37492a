import {
  createArticle,
  deleteArticle,
  publishArticle,
  restoreArticle,
  updateArticle,
  viewArticle,
} from '@annals/contracts/publishing/article.routes';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Backend, call, newPerson, type Person, startBackend, WORKER_TOKEN } from '../app.fixture.ts';
import type { App } from '../app.ts';

let backend: Backend;
let app: App;
let ada: Person;

beforeAll(async () => {
  backend = await startBackend();
  app = await backend.startApp();
  ada = await newPerson(app, 'ada');
});

afterAll(() => backend.stop());

let titles = 0;

async function newDraft(): Promise<string> {
  const body = { title: `An article ${titles++}`, content: '<p>Words.</p>' };
  return (await call(app, createArticle, { token: ada.token, body })).body.id;
}

/** The types of an article's events. */
async function historyOf(id: string): Promise<string[]> {
  const { rows } = await backend.pool.query<{ type: string }>(
    'select type from event_store.events where stream = $1 order by revision',
    [`article-${id}`],
  );
  return rows.map(({ type }) => type);
}

const internal = (path: string, body: object, token = WORKER_TOKEN) =>
  call(app, { method: 'POST', path: `/internal/articles/${path}` }, { token, body });

describe('scheduled publications', () => {
  const publishAt = '2030-01-01T08:00:00.000Z';
  const schedule = (id: string, at = publishAt) =>
    call(app, publishArticle, { token: ada.token, params: { id }, body: { publishAt: at } });
  const due = (articleId: string) => internal('publish-scheduled', { articleId, publishAt });

  test('P4 are published once when the worker says that it is time, however often it says so', async () => {
    const id = await newDraft();
    const answer = await schedule(id, '2030-01-01T10:00:00+02:00');
    expect(answer.body).toEqual({ id, revision: 1 });
    expect((await schedule(id)).body).toEqual(answer.body);
    const all = await Promise.all([due(id), due(id), due(id)]);
    expect(all.map(({ status }) => status)).toEqual([204, 204, 204]);
    expect(await historyOf(id)).toEqual(['ArticleCreated', 'ArticleScheduled', 'ArticlePublished']);
  });

  test('P4 are not, where another time counts, or none', async () => {
    const [moved, gone] = [await newDraft(), await newDraft()];
    await schedule(moved);
    await schedule(moved, '2031-01-01T08:00:00.000Z');
    await schedule(gone);
    await call(app, deleteArticle, { token: ada.token, params: { id: gone } });
    for (const id of [moved, gone, crypto.randomUUID()]) expect((await due(id)).status).toBe(204);
    expect(await historyOf(moved)).not.toContain('ArticlePublished');
    expect(await historyOf(gone)).not.toContain('ArticlePublished');
  });

  test('P4 are nobody else’s to publish', async () => {
    const id = await newDraft();
    await schedule(id);
    const body = { articleId: id, publishAt };
    expect((await internal('publish-scheduled', body, ada.token)).status).toBe(404);
  });

  test('P4 a time is given once, and lies ahead', async () => {
    const id = await newDraft();
    const publish = (body: object) => call(app, publishArticle, { token: ada.token, params: { id }, body });
    const both = await publish({ publishAt, publishedAt: '2020-01-01T00:00:00Z' });
    expect([both.status, both.body.errors]).toEqual([
      422,
      [expect.objectContaining({ pointer: '/publishAt' })],
    ]);
    const past = await publish({ publishAt: '2020-01-01T00:00:00Z' });
    expect(past.body.errors).toMatchObject([{ pointer: '/publishAt', code: 'in-the-past' }]);
  });
});

describe('drafts that nobody touched', () => {
  const clean = (articleId: string, revision: number) =>
    internal('delete-untouched', { articleId, revision });

  test('P14 are deleted, and restored by their author', async () => {
    const id = await newDraft();
    expect((await clean(id, 0)).status).toBe(204);
    expect((await clean(id, 0)).status).toBe(204);
    expect(await historyOf(id)).toEqual(['ArticleCreated', 'ArticleDeleted']);
    const restored = await call(app, restoreArticle, { token: ada.token, params: { id } });
    expect(restored.body).toEqual({ id, revision: 2 });
  });

  test('P14 stay where they were touched meanwhile, published, or are to be', async () => {
    const params = { id: '' };
    const command = async (route: typeof updateArticle | typeof publishArticle, body: object) => {
      params.id = await newDraft();
      await call(app, route, { token: ada.token, params, body });
      return params.id;
    };
    const touched = await command(updateArticle, { tags: ['new'] });
    const published = await command(publishArticle, {});
    const scheduled = await command(publishArticle, { publishAt: '2030-01-01T08:00:00.000Z' });
    for (const [id, revision] of [
      [touched, 0],
      [published, 1],
      [scheduled, 1],
    ] as const) {
      expect((await clean(id, revision)).status).toBe(204);
      expect(await historyOf(id)).not.toContain('ArticleDeleted');
    }
  });
});

describe('views', () => {
  const view = (id: string, options: object = {}, on = app) =>
    call(on, viewArticle, { params: { id }, ...options });
  const counted = async (id: string): Promise<number> => {
    const { rows } = await backend.pool.query<{ data: string }>(
      "select data::text from event_store.events where stream like 'views-%'",
    );
    const all = rows.flatMap(
      ({ data }) => JSON.parse(data).articles as { articleId: string; count: number }[],
    );
    return all.filter(({ articleId }) => articleId === id).reduce((sum, { count }) => sum + count, 0);
  };

  test('P12 count a reader once an hour, on whatever replica', async () => {
    const other = await backend.startApp();
    const id = await newDraft();
    await call(app, publishArticle, { token: ada.token, params: { id } });
    const from = (agent: string) => ({ headers: { 'user-agent': agent } });
    const answers = await Promise.all([
      ...[view(id, from('one')), view(id, from('one'), other), view(id, from('two'))],
      ...[view(id, { token: ada.token }), view(id, { token: ada.token, ...from('two') }, other)],
    ]);
    expect(answers.map(({ status, body }) => [status, body])).toEqual(answers.map(() => [202, undefined]));
    // What is held is counted before a service ends.
    await other.stop();
    expect(await counted(id)).toBeGreaterThanOrEqual(2);
    await vi.waitFor(async () => expect(await counted(id)).toBe(3), { timeout: 20_000 });
    await backend.pool.query("update command_api.readings set read_at = now() - interval '61 minutes'");
    await view(id, from('one'));
    await vi.waitFor(async () => expect(await counted(id)).toBe(4), { timeout: 20_000 });
  });

  test('P12 are of publications alone', async () => {
    const id = await newDraft();
    for (const missing of [id, crypto.randomUUID()]) expect((await view(missing)).status).toBe(404);
    expect((await view('x')).status).toBe(404);
  });
});
