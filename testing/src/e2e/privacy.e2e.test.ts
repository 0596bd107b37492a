import { confirmEmail } from '@annals/contracts/identity/account.routes';
import { eraseMe, eraseUser, getExport, requestExport } from '@annals/contracts/identity/privacy.routes';
import { createSession, refreshSession } from '@annals/contracts/identity/session.routes';
import { getMe, getUser, listUsers, registerUser, updateMe } from '@annals/contracts/identity/user.routes';
import { createArticle, getArticle, publishArticle } from '@annals/contracts/publishing/article.routes';
import { describe, expect, inject, test } from 'vitest';
import { type Answer, Api, after, uniqueName } from './client.ts';
import { mailedToken } from './mails.ts';
import { newPerson, PASSWORD, type Person } from './people.ts';

const url = inject('stackUrl');
const folder = inject('stackFolder');
const anonymous = new Api(url);
const admin = anonymous.as(inject('adminToken'));

/** Publishes an article of the person. */
async function publication(person: Person): Promise<{ id: string; last: Answer }> {
  const body = { title: `Kept ${uniqueName('article')}`, content: '<p>Words that stay.</p>' };
  const { id } = (await person.api.ok(createArticle, { body })).body;
  return { id, last: await person.api.ok(publishArticle, { params: { id } }) };
}

describe('an export', () => {
  test('I8 holds all that is kept about its owner, and is nobody else’s', async () => {
    const person = await newPerson(url, 'exporting');
    const { id, last } = await publication(person);
    await person.api.ok(getArticle, { params: { idOrSlug: id }, ...after(last) });
    const requested = await person.api.ok(requestExport);
    expect(requested.headers.get('location')).toBe(`${url}/v1/me/exports/${requested.body.id}`);
    const params = { id: requested.body.id };
    const found = () => person.api.ok(getExport, { params });
    await expect.poll(async () => (await found()).body.status, { timeout: 30_000 }).toBe('done');
    const { data } = (await found()).body;
    expect(Object.keys(data).sort()).toEqual(
      expect.arrayContaining(['access', 'account', 'articles', 'comments', 'likes']),
    );
    expect(data.account[0]).toMatchObject({ type: 'UserRegistered', data: { email: person.email } });
    expect(data.access.logins).toMatchObject([{ succeeded: true, ip: '127.0.0.1' }]);
    expect(data.articles).toMatchObject([{ id, content: '<p>Words that stay.</p>' }]);

    const other = await newPerson(url, 'curious');
    expect((await other.api.call(getExport, { params })).status).toBe(404);
    expect((await anonymous.call(getExport, { params })).status).toBe(401);
  });
});

describe('an erased person', () => {
  test('I8 is gone by their own wish: out, unknown, their words by a deleted user, their name free', async () => {
    const person = await newPerson(url, 'leaving');
    const { id } = await publication(person);
    await person.api.ok(updateMe, { body: { bio: 'Was here.', website: 'https://example.org/' } });
    const token = await mailedToken(folder, person.email, 'email');
    const wrong = await person.api.call(eraseMe, { body: { password: 'not-it' } });
    expect(wrong.body.errors).toMatchObject([{ pointer: '/password', code: 'wrong-password' }]);
    const erased = await person.api.ok(eraseMe, { body: { password: PASSWORD } });

    const profile = await anonymous.ok(getUser, { params: { idOrUsername: person.id }, ...after(erased) });
    expect(profile.body).toMatchObject({
      ...{ id: person.id, username: null, displayName: 'deleted user', firstName: '', lastName: '' },
      ...{ bio: '', website: null, articleCount: 1 },
    });
    const article = await anonymous.ok(getArticle, { params: { idOrSlug: id }, ...after(erased) });
    expect(article.body).toMatchObject({
      content: '<p>Words that stay.</p>',
      author: { id: person.id, username: null, displayName: 'deleted user' },
    });
    const list = await anonymous.ok(listUsers, { query: { username: person.username } });
    expect(list.body.count).toBe(0);
    const byName = { params: { idOrUsername: person.username } };
    expect((await anonymous.call(getUser, byName)).status).toBe(404);

    await expect.poll(async () => (await person.api.call(getMe)).status, { timeout: 10_000 }).toBe(401);
    const { refreshToken } = person;
    expect((await anonymous.call(refreshSession, { body: { refreshToken } })).status).toBe(401);
    for (const login of [person.username, person.email])
      expect((await anonymous.call(createSession, { body: { login, password: PASSWORD } })).status).toBe(401);
    expect((await anonymous.call(confirmEmail, { params: { token } })).status).toBe(404);

    const { username, email } = person;
    const next = await anonymous.ok(registerUser, { body: { username, email, password: PASSWORD } });
    expect(next.body.id).not.toBe(person.id);
    const same = await anonymous.ok(getUser, { params: { idOrUsername: username }, ...after(next) });
    expect(same.body).toMatchObject({ id: next.body.id, articleCount: 0 });
  });

  test('I8 may be erased by staff, once, and staff do not erase themselves so', async () => {
    const person = await newPerson(url, 'removed');
    const params = { id: person.id };
    expect((await person.api.call(eraseUser, { params })).status).toBe(403);
    const erased = await admin.ok(eraseUser, { params });
    expect((await admin.ok(eraseUser, { params })).body).toEqual(erased.body);
    const { body: me } = await admin.ok(getMe);
    expect((await admin.call(eraseUser, { params: { id: me.id } })).body.code).toBe('own-access');
    await expect.poll(async () => (await person.api.call(getMe)).status, { timeout: 10_000 }).toBe(401);
  });
});
