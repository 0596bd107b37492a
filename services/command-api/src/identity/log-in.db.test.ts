import { catalogue } from '@annals/contracts/catalogue';
import { createSession } from '@annals/contracts/identity/session.routes';
import { registerUser as registerRoute } from '@annals/contracts/identity/user.routes';
import { createEventLog } from '@annals/platform/event-log/event-log';
import { createPostgresEventStore } from '@annals/platform/event-store/postgres/store';
import { createPostgresKeyStore } from '@annals/platform/privacy/postgres-keys';
import { uuidv7 } from '@annals/platform/uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Backend, call, newPerson, PASSWORD, type Person, startBackend } from '../app.fixture.ts';
import type { App } from '../app.ts';
import { createCredentials } from './credentials.ts';
import { createPasswordHasher } from './password-hasher.ts';
import { sweepCredentials } from './sweep-credentials.ts';

let backend: Backend;
let app: App;
let ada: Person;

beforeAll(async () => {
  backend = await startBackend();
  app = await backend.startApp();
  ada = await newPerson(app, 'ada');
});

afterAll(() => backend.stop());

async function openLog() {
  const { pool, config } = backend;
  const store = await createPostgresEventStore({ url: config.databaseUrl, application: 'test' });
  const keys = await createPostgresKeyStore({ pool, masterKey: config.masterKey });
  return { store, log: createEventLog({ store, catalogue, keys }) };
}

const logIn = (login: string, password: string, userAgent = 'test') =>
  call(app, createSession, { body: { login, password }, headers: { 'user-agent': userAgent } });

describe('the login log', () => {
  test('I4 tells of every attempt, with what was entered as a keyed hash only', async () => {
    await backend.pool.query('delete from command_api.login_log');
    await logIn('ADA', PASSWORD);
    await logIn('ada@example.org', 'wrong');
    await logIn('nobody', 'wrong');
    const { rows } = await backend.pool.query('select * from command_api.login_log order by id');
    expect(rows).toMatchObject([
      { user_id: ada.id, succeeded: true, reason: null, ip: '127.0.0.1', user_agent: 'test' },
      { user_id: ada.id, succeeded: false, reason: 'wrong-password' },
      { user_id: null, succeeded: false, reason: 'unknown-login' },
    ]);
    expect(JSON.stringify(rows)).not.toMatch(/nobody|example/);
  });

  test('I3 I4 keeps no more of a user agent than 512 characters, and neither does a session', async () => {
    const long = `Mozilla/5.0 é${'x'.repeat(8_000)}`;
    expect((await logIn('ada', PASSWORD, long)).status).toBe(201);
    for (const { table, time } of [
      { table: 'sessions', time: 'created_at' },
      { table: 'login_log', time: 'at' },
    ]) {
      const { rows } = await backend.pool.query(
        `select user_agent from command_api.${table} order by ${time} desc limit 1`,
      );
      expect(rows).toEqual([{ user_agent: long.slice(0, 512) }]);
    }
  });
});

test('I4 failures by an address tell nothing of the username: whose address it is shows nowhere', async () => {
  await newPerson(app, 'grace');
  const fail = async (login: string) => (await logIn(login, 'wrong')).status;
  const byAddress: number[] = [];
  while (byAddress.at(-1) !== 429 && byAddress.length < 11) byAddress.push(await fail('grace@example.org'));
  expect(byAddress.at(-1)).toBe(429);
  expect([await fail('grace'), await fail('nobody-at-all')]).toEqual([401, 401]);
  expect((await logIn('grace', PASSWORD)).status).toBe(201);
});

describe('password hashes', () => {
  test('are argon2id with 19 MiB and two passes', async () => {
    const { rows } = await backend.pool.query('select password_hash from command_api.credentials');
    for (const { password_hash } of rows)
      expect(password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  test('are made a few at a time, and past a bounded queue refused as unavailable', async () => {
    const hasher = await createPasswordHasher();
    const attempts = await Promise.allSettled(Array.from({ length: 120 }, () => hasher.hash('x')));
    const refused = attempts.flatMap((attempt) =>
      attempt.status === 'rejected' ? [attempt.reason.code] : [],
    );
    expect(refused.length).toBeGreaterThan(0);
    expect(new Set(refused)).toEqual(new Set(['unavailable']));
    expect(await hasher.verify('x', await hasher.hash('x'))).toBe(true);
  });

  test('nobody’s hash takes no password', async () => {
    const hasher = await createPasswordHasher();
    expect(await hasher.verify('', null)).toBe(false);
  });

  test('of registrations that never came about are swept, and the late registration is fenced', async () => {
    const credentials = createCredentials(backend.pool);
    const { log, store } = await openLog();
    const late = uuidv7();
    await credentials.stage(late, late, 'hash');
    await sweepCredentials(credentials, log, -1);
    expect(await credentials.find(late)).toBeNull();
    expect((await store.read(`user-${late}`)).map(({ type }) => type)).toEqual(['ReservationLapsed']);
    expect(await credentials.find(ada.id)).not.toBeNull();
    expect(await credentials.findStaged(-1, 10)).toEqual([]);
    expect((await logIn('ada', PASSWORD)).status).toBe(201);
    await store.close();
  });

  test('a registration that was fenced while it was stalled stages its hash again', async () => {
    const stalled = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const stalling = await backend.startApp({
      faults: async (point) => {
        if (point !== 'reserved') return;
        stalled.resolve();
        await gate.promise;
      },
    });
    const body = { username: 'stalled', email: 'stalled@example.org', password: PASSWORD };
    const registered = call(stalling, registerRoute, { body });
    await stalled.promise;
    const { log, store } = await openLog();
    await sweepCredentials(createCredentials(backend.pool), log, -1);
    await store.close();
    gate.resolve();
    expect(await registered).toMatchObject({ status: 201, body: { revision: 1 } });
    expect((await logIn('stalled', PASSWORD)).status).toBe(201);
  });
});
