import { getMe } from '@annals/contracts/identity/user.routes';
import {
  createArticle,
  getArticle,
  publishArticle,
  restoreArticle,
} from '@annals/contracts/publishing/article.routes';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { after } from './client.ts';
import { newPerson } from './people.ts';

const url = inject('stackUrl');
const database = new pg.Client({ connectionString: inject('databaseUrl') });
const DAY_MS = 86_400_000;

beforeAll(() => database.connect());
afterAll(() => database.end());

const sessionsOf = async (userId: string) =>
  (await database.query('select id from command_api.sessions where user_id = $1', [userId])).rowCount;

test('I9 a session whose time is over is removed on schedule, with its tokens, and no other', async () => {
  const [late, early] = [await newPerson(url, 'late'), await newPerson(url, 'early')];
  // Weeks go by.
  await database.query(
    `update command_api.sessions set expires_at = now() - interval '1 second' where user_id = $1`,
    [late.id],
  );
  await vi.waitFor(async () => expect(await sessionsOf(late.id)).toBe(0), { timeout: 30_000, interval: 200 });
  const left = await database.query(
    `select from command_api.refresh_tokens t where not exists (select from command_api.sessions s where s.id = t.session_id)`,
  );
  expect(left.rowCount).toBe(0);
  expect(await sessionsOf(early.id)).toBe(1);
  expect((await early.api.call(getMe)).status).toBe(200);
});

/** What the clock leaves for the workers at 02:00 of that night. */
async function fallNight(at: Date): Promise<void> {
  await database.query(
    `select graphile_worker.add_job('clean-drafts', json_build_object('_cron', json_build_object('ts', $1::text)))`,
    [at.toISOString()],
  );
}

test('P14 of a night thirty days on, drafts that nobody touched are deleted, and can be restored', async () => {
  const { api } = await newPerson(url, 'author');
  const create = async (title: string) =>
    (await api.ok(createArticle, { body: { title: `${title} ${Date.now()}`, content: '<p>Text.</p>' } })).body
      .id as string;
  const [draft, published] = [await create('Left lying'), await create('Out there')];
  let last = await api.ok(publishArticle, { params: { id: published } });
  const read = (id: string) => api.call(getArticle, { params: { idOrSlug: id }, ...after(last) });
  expect((await read(draft)).status).toBe(200);
  await fallNight(new Date(Date.now() + 29 * DAY_MS));
  await fallNight(new Date(Date.now() + 30 * DAY_MS));
  await vi.waitFor(async () => expect((await read(draft)).status).toBe(404), {
    timeout: 30_000,
    interval: 200,
  });
  expect((await read(published)).status).toBe(200);
  last = await api.ok(restoreArticle, { params: { id: draft } });
  expect((await read(draft)).body).toMatchObject({ id: draft, isPublished: false });
});
