import {
  createSession,
  endSession,
  getJwks,
  refreshSession,
} from '@annals/contracts/identity/session.routes';
import { registerUser, updateMe } from '@annals/contracts/identity/user.routes';
import {
  createArticle,
  likeArticle,
  publishArticle,
  updateArticle,
} from '@annals/contracts/publishing/article.routes';
import { addComment } from '@annals/contracts/publishing/comment.routes';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  type Backend,
  call,
  newPerson,
  OPERATOR_TOKEN,
  PASSWORD,
  type Person,
  startBackend,
  WORKER_TOKEN,
} from './app.fixture.ts';
import type { App } from './app.ts';

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
const newTitle = () => `An article ${titles++}`;

async function publication(person = ada): Promise<string> {
  const { token } = person;
  const { body } = await call(app, createArticle, {
    token,
    body: { title: newTitle(), content: '<p>Words.</p>' },
  });
  await call(app, publishArticle, { token, params: { id: body.id } });
  return body.id;
}

/** The stored events of a stream, as text. */
async function stored(stream: string): Promise<string> {
  const { rows } = await backend.pool.query(
    'select row_to_json(events)::text as text from event_store.events where stream = $1 order by revision',
    [stream],
  );
  return rows.map(({ text }) => text).join('\n');
}

describe('commands over HTTP', () => {
  test('a creation answers with the resource’s id, revision, place and position', async () => {
    const answer = await call(app, createArticle, { token: ada.token, body: { title: newTitle() } });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({ id: expect.any(String), revision: 0 });
    expect(answer.headers.get('location')).toBe(`http://annals.test/v1/articles/${answer.body.id}`);
    expect(answer.headers.get('etag')).toBe('"0"');
    expect(answer.headers.get('annals-position')).toMatch(/^[0-9a-z]{8}\.[0-9a-f]+$/);
  });

  test('P9 a relation answers with the id of the resource addressed, and no revision', async () => {
    const id = await publication();
    const answer = await call(app, likeArticle, { token: ada.token, params: { id } });
    expect(answer.body).toEqual({ id });
    expect(answer.headers.has('etag')).toBe(false);
    expect(answer.headers.has('annals-position')).toBe(true);
  });

  test('a refusal is a problem document', async () => {
    const title = newTitle();
    await call(app, createArticle, { token: ada.token, body: { title } });
    const refused = await call(app, createArticle, { token: ada.token, body: { title } });
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    expect(refused.body).toMatchObject({
      status: 409,
      code: 'title-taken',
      errors: [{ pointer: '/title', code: 'title-taken' }],
    });
  });

  test('a first answer is replayed to the same key, be it a success, nothing to do, or a refusal', async () => {
    const id = await publication();
    const body = { title: newTitle() };
    const requests = [
      [createArticle, { body }],
      [publishArticle, { params: { id }, body: {} }],
      [updateArticle, { params: { id }, body: { tags: ['x'] }, headers: { 'if-match': '"99"' } }],
    ] as const;
    for (const [n, [route, options]] of requests.entries()) {
      const headers = { ...('headers' in options ? options.headers : {}), 'idempotency-key': `replay-${n}` };
      const first = await call(app, route, { ...options, token: ada.token, headers });
      const again = await call(app, route, { ...options, token: ada.token, headers });
      expect(first.headers.has('idempotency-replayed')).toBe(false);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect(again.status).toBe(first.status);
      expect(again.body).toEqual(first.body);
      for (const name of ['content-type', 'etag', 'location', 'annals-position']) {
        expect(again.headers.get(name)).toBe(first.headers.get(name));
      }
    }
  });

  test('mistakes found by the domain do not use a key up', async () => {
    const headers = { 'idempotency-key': 'corrected' };
    const refused = await call(app, createArticle, {
      token: ada.token,
      headers,
      body: { title: 'All spam here' },
    });
    expect(refused.status).toBe(422);
    const corrected = await call(app, createArticle, {
      token: ada.token,
      headers,
      body: { title: newTitle() },
    });
    expect(corrected.status).toBe(201);
  });

  test.each(['begun', 'reserved', 'appended'] as const)(
    'a process that stalls at "%s" is made up for by the same request, and comes to the same answer late',
    async (point) => {
      const stalled = Promise.withResolvers<void>();
      const gate = Promise.withResolvers<void>();
      const faults = async (reached: string) => {
        if (reached !== point) return;
        stalled.resolve();
        await gate.promise;
      };
      const stalling = await backend.startApp({ reservationLeaseMs: -1, faults });
      const options = {
        token: ada.token,
        body: { title: newTitle() },
        headers: { 'idempotency-key': `stalling-${point}` },
      };
      const late = call(stalling, createArticle, options);
      await stalled.promise;
      expect((await call(app, createArticle, options)).body.code).toBe('idempotency-in-flight');
      await backend.pool.query(`update command_api.idempotency set lease_until = now() where status is null`);
      const answer = await call(app, createArticle, options);
      expect(answer.status).toBe(201);
      gate.resolve();
      expect(await late).toMatchObject({ status: 201, body: answer.body });
      const created = await stored(`article-${answer.body.id}`);
      expect(created.match(/ArticleCreated/g)).toHaveLength(1);
    },
  );

  test('P10 comments and replies', async () => {
    const id = await publication();
    const first = await call(app, addComment, {
      token: ada.token,
      params: { id },
      body: { content: 'First!' },
    });
    const reply = await call(app, addComment, {
      token: ada.token,
      params: { id },
      body: { content: 'Indeed.', parentId: first.body.id },
    });
    expect([first.status, reply.status]).toEqual([201, 201]);
  });
});

describe('personal data', () => {
  test('is encrypted in the log from the first event on, and nowhere else in the clear', async () => {
    const person = await newPerson(app, 'grace-hopper');
    await call(app, updateMe, { token: person.token, body: { bio: 'Found the bug.' } });
    const events = await stored(`user-${person.id}`);
    expect(events).toContain('UserRegistered');
    for (const secret of ['grace', 'Found the bug', PASSWORD]) expect(events).not.toContain(secret);
    const { rows } = await backend.pool.query('select stream from event_store.events');
    expect(rows.map(({ stream }) => stream).join()).not.toContain('grace');
  });
});

describe('sessions over HTTP', () => {
  test('I3 tokens carry ids and no permissions, and their keys are public', async () => {
    const claims = JSON.parse(Buffer.from(ada.token.split('.')[1] ?? '', 'base64url').toString());
    expect(claims).toMatchObject({
      sub: ada.id,
      iss: 'http://annals.test',
      aud: 'annals',
      exp: claims.iat + 900,
    });
    expect(Object.keys(claims).sort()).toEqual(['aud', 'exp', 'iat', 'iss', 'sid', 'sub']);
    const { body } = await call(app, getJwks);
    expect(body.keys).toEqual([
      {
        kty: 'OKP',
        crv: 'Ed25519',
        x: expect.any(String),
        kid: expect.any(String),
        alg: 'EdDSA',
        use: 'sig',
      },
    ]);
  });

  test('I3 logging out ends the session here and, by its event, everywhere', async () => {
    const person = await newPerson(app, 'leaver');
    expect((await call(app, endSession, { token: person.token })).status).toBe(204);
    await expect
      .poll(async () => (await call(app, updateMe, { token: person.token, body: {} })).status)
      .toBe(401);
    const refused = await call(app, refreshSession, { body: { refreshToken: person.refreshToken } });
    expect(refused.body.code).toBe('invalid-refresh-token');
  });

  test('I3 a wrong password, an unknown login and a person without password are told apart by nothing', async () => {
    const logins = [
      { login: 'ada', password: 'wrong' },
      { login: 'nobody', password: 'wrong' },
      { login: 'nobody@example.org', password: 'wrong' },
    ];
    const answers = await Promise.all(logins.map((body) => call(app, createSession, { body })));
    const [first, ...others] = answers.map(({ status, body }) => ({
      status,
      body: { ...body, traceId: '' },
    }));
    for (const other of others) expect(other).toEqual(first);
    expect(first?.status).toBe(401);
  });
});

describe('operators and services', () => {
  test('the first admin is registered and holds staff at once', async () => {
    const body = { username: 'root', email: 'root@example.org', password: PASSWORD };
    const route = { method: 'POST', path: '/admin/users' } as const;
    expect((await call(app, route, { token: 'someone-else-s-token', body })).status).toBe(401);
    const admin = await call(app, route, { token: OPERATOR_TOKEN, body });
    expect(admin).toMatchObject({ status: 201, body: { revision: 1 } });
    const { body: tokens } = await call(app, createSession, { body: { login: 'root', password: PASSWORD } });
    const id = await publication();
    const edited = await call(app, updateArticle, {
      token: tokens.accessToken,
      params: { id },
      body: { tags: ['by staff'] },
    });
    expect(edited.status).toBe(200);
    const status = await call(app, { method: 'GET', path: '/admin/status' }, { token: OPERATOR_TOKEN });
    expect(status.body.consumers).toEqual([expect.objectContaining({ consumer: 'access_v2' })]);
  });

  test('P15 an importer registers people without password, writes for them and dates their articles', async () => {
    const { body: tokens } = await call(app, createSession, { body: { login: 'root', password: PASSWORD } });
    const token = tokens.accessToken;
    const person = await call(app, registerUser, {
      token,
      body: { username: 'imported', email: 'imported@import.invalid' },
    });
    expect(person.status).toBe(201);
    const body = { title: newTitle(), content: '<p>x</p>', authorId: person.body.id, externalId: 'a/1' };
    const article = await call(app, createArticle, { token, body });
    const params = { id: article.body.id };
    const published = await call(app, publishArticle, {
      token,
      params,
      body: { publishedAt: '2020-01-01T00:00:00Z' },
    });
    expect(published.status).toBe(200);
    expect(await stored(`article-${article.body.id}`)).toContain('2020-01-01T00:00:00.000Z');
    const login = await call(app, createSession, { body: { login: 'imported', password: PASSWORD } });
    expect(login.body.code).toBe('invalid-credentials');
    expect(
      (await call(app, createArticle, { token: ada.token, body: { ...body, title: newTitle() } })).status,
    ).toBe(403);
    const unknown = { ...body, title: newTitle(), authorId: params.id };
    expect((await call(app, createArticle, { token, body: unknown })).body.errors).toMatchObject([
      { pointer: '/authorId' },
    ]);
  });

  test('the worker releases what an act gave up; to others the route is not there', async () => {
    const title = newTitle();
    const { body } = await call(app, createArticle, { token: ada.token, body: { title } });
    await call(app, updateArticle, {
      token: ada.token,
      params: { id: body.id },
      body: { title: newTitle() },
    });
    const { rows } = await backend.pool.query(
      `select metadata::json -> 'releases' as releases from event_store.events where stream = $1 and revision = 1`,
      [`article-${body.id}`],
    );
    const route = { method: 'POST', path: '/internal/reservations/release' } as const;
    const newestOf = async (key: string) => {
      const found = await backend.pool.query(
        'select type from event_store.events where stream = $1 order by revision desc limit 1',
        [key],
      );
      return found.rows[0].type;
    };
    expect(rows[0].releases).not.toHaveLength(0);
    for (const release of rows[0].releases) {
      await vi.waitFor(async () => expect(await newestOf(release.key)).toBe('KeyHeld'));
      const options = { body: { ...release, by: `article-${body.id}` } };
      expect((await call(app, route, { ...options, token: ada.token })).status).toBe(404);
      for (const _ of [1, 2])
        expect((await call(app, route, { ...options, token: WORKER_TOKEN })).status).toBe(204);
      expect(await newestOf(release.key)).toBe('KeyReleased');
    }
    expect((await call(app, createArticle, { token: ada.token, body: { title } })).status).toBe(201);
  });

  test('other services ask whether a session has ended', async () => {
    const claims = JSON.parse(Buffer.from(ada.token.split('.')[1] ?? '', 'base64url').toString());
    const ask = (id: string) =>
      call(app, { method: 'GET', path: `/internal/sessions/${id}` }, { token: WORKER_TOKEN });
    expect((await ask(claims.sid)).body).toEqual({ isRevoked: false, permissions: [] });
    expect((await ask('00000000-0000-4000-8000-000000000000')).body).toEqual({
      isRevoked: true,
      permissions: [],
    });
  });

  test('a service is ready once its access view has caught up', async () => {
    await expect
      .poll(async () => (await fetch(`${app.addresses.ops}/health/ready`)).status, { timeout: 10_000 })
      .toBe(200);
    await expect.poll(async () => (await fetch(`${app.addresses.main}/health/ready`)).status).toBe(200);
  });
});
