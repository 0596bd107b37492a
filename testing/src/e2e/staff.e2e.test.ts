import {
  createSession,
  endSession,
  endSessions,
  listSessions,
  refreshSession,
} from '@annals/contracts/identity/session.routes';
import {
  disableUser,
  enableUser,
  getMe,
  grantPermission,
  revokePermission,
} from '@annals/contracts/identity/user.routes';
import { createArticle, getArticle, listHistory } from '@annals/contracts/publishing/article.routes';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { writeArticle } from './articles.ts';
import { Api, after, uniqueName } from './client.ts';
import { newPerson, PASSWORD, type Person } from './people.ts';

const url = inject('stackUrl');
const anonymous = new Api(url);
const admin = anonymous.as(inject('adminToken'));
let ada: Person;

beforeAll(async () => {
  ada = await newPerson(url, 'ada');
});

const logIn = (person: Person) =>
  anonymous.call(createSession, { body: { login: person.username, password: PASSWORD } });

describe('permissions', () => {
  test('I6 are granted and revoked by staff, each once, and take effect at once', async () => {
    const person = await newPerson(url, 'granted');
    const { id: draft, last } = await writeArticle(ada);
    await ada.api.ok(listHistory, { params: { id: draft }, ...after(last) });
    const staff = { params: { id: person.id, permission: 'staff' } };
    expect((await person.api.call(getArticle, { params: { idOrSlug: draft } })).status).toBe(404);
    expect((await person.api.call(grantPermission, staff)).status).toBe(403);

    const granted = await admin.ok(grantPermission, staff);
    // No waiting: a refusal is given only after the person's stream was read to its end.
    await person.api.ok(getArticle, { params: { idOrSlug: draft } });
    await person.api.ok(listHistory, { params: { id: draft } });
    await person.api.ok(grantPermission, { params: { id: ada.id, permission: 'can_publish' } });
    const again = await admin.ok(grantPermission, staff);
    expect(again.body).toEqual(granted.body);
    expect(again.headers.get('annals-position')).toBe(granted.headers.get('annals-position'));
    const me = await person.api.ok(getMe, after(granted));
    expect(me.body.permissions).toEqual(['staff']);

    const revoked = await admin.ok(revokePermission, staff);
    expect(revoked.body.revision).toBe(granted.body.revision + 1);
    expect((await admin.ok(revokePermission, staff)).body).toEqual(revoked.body);
    await expect
      .poll(async () => (await person.api.call(grantPermission, staff)).status, { timeout: 5_000 })
      .toBe(403);
    await expect
      .poll(async () => (await person.api.call(getArticle, { params: { idOrSlug: draft } })).status, {
        timeout: 5_000,
      })
      .toBe(404);
  });

  test('I6 nobody takes their own access away', async () => {
    const { body: me } = await admin.ok(getMe);
    const own = await admin.call(revokePermission, { params: { id: me.id, permission: 'staff' } });
    expect(own).toMatchObject({ status: 409, body: { code: 'own-access' } });
    const disabled = await admin.call(disableUser, { params: { id: me.id } });
    expect(disabled).toMatchObject({ status: 409, body: { code: 'own-access' } });
  });

  test('I6 a permission that is none, and a user who is not there, are not found', async () => {
    for (const params of [
      { id: ada.id, permission: 'can_fly' },
      { id: crypto.randomUUID(), permission: 'staff' },
    ])
      expect((await admin.call(grantPermission, { params })).status).toBe(404);
    expect((await admin.call(disableUser, { params: { id: crypto.randomUUID() } })).status).toBe(404);
  });
});

describe('a disabled user', () => {
  test('I6 is out, can not log in, and once enabled logs in anew', async () => {
    const person = await newPerson(url, 'disabled');
    const disabled = await admin.ok(disableUser, { params: { id: person.id } });
    expect((await admin.ok(disableUser, { params: { id: person.id } })).body).toEqual(disabled.body);
    await expect.poll(async () => (await person.api.call(getMe)).status, { timeout: 5_000 }).toBe(401);
    await expect
      .poll(
        async () =>
          (await person.api.call(createArticle, { body: { title: uniqueName('Not written') } })).status,
        { timeout: 5_000 },
      )
      .toBe(401);
    expect((await logIn(person)).body.code).toBe('invalid-credentials');
    const { refreshToken } = person;
    const refused = await anonymous.call(refreshSession, { body: { refreshToken } });
    expect(refused.body.code).toBe('invalid-refresh-token');

    const enabled = await admin.ok(enableUser, { params: { id: person.id } });
    expect((await admin.ok(enableUser, { params: { id: person.id } })).body).toEqual(enabled.body);
    const session = await logIn(person);
    expect(session.status).toBe(201);
    const back = anonymous.as(session.body.accessToken);
    await expect.poll(async () => (await back.call(getMe)).status, { timeout: 5_000 }).toBe(200);
    // The sessions of before stay over.
    await expect.poll(async () => (await back.ok(listSessions)).body.count, { timeout: 15_000 }).toBe(1);
    expect((await anonymous.call(refreshSession, { body: { refreshToken } })).status).toBe(401);
    expect((await person.api.call(listSessions)).status).toBe(401);
  });
});

describe('sessions', () => {
  test('I3 log-out ends the session, and only that one', async () => {
    const person = await newPerson(url, 'leaving');
    const { body: other } = await logIn(person);
    await person.api.ok(endSession);
    await expect.poll(async () => (await person.api.call(getMe)).status, { timeout: 5_000 }).toBe(401);
    const refused = await anonymous.call(refreshSession, { body: { refreshToken: person.refreshToken } });
    expect(refused.body.code).toBe('invalid-refresh-token');
    await anonymous.as(other.accessToken).ok(getMe, after(person.registered));
    await anonymous.ok(refreshSession, { body: { refreshToken: other.refreshToken } });
  });

  test('I3 own sessions are listed with device, address and time', async () => {
    const person = await newPerson(url, 'devices');
    const response = await fetch(`${url}/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'Telephone/1' },
      body: JSON.stringify({ login: person.username, password: PASSWORD }),
    });
    const { accessToken } = (await response.json()) as { accessToken: string };
    const { body } = await anonymous.as(accessToken).ok(listSessions);
    expect(body.count).toBe(2);
    expect(body.results.map(({ isCurrent }: { isCurrent: boolean }) => isCurrent)).toEqual([true, false]);
    expect(body.results[0]).toMatchObject({ device: 'Telephone/1', ip: '127.0.0.1' });
    expect((await anonymous.call(listSessions)).status).toBe(401);
  });

  test('I3 log-out everywhere ends every session, this one too', async () => {
    const person = await newPerson(url, 'everywhere');
    const { body: other } = await logIn(person);
    await person.api.ok(endSessions);
    for (const api of [person.api, anonymous.as(other.accessToken)])
      await expect.poll(async () => (await api.call(getMe)).status, { timeout: 5_000 }).toBe(401);
    for (const refreshToken of [person.refreshToken, other.refreshToken])
      expect((await anonymous.call(refreshSession, { body: { refreshToken } })).status).toBe(401);
    expect((await logIn(person)).status).toBe(201);
  });
});
