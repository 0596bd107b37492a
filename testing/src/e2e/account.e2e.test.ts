import {
  changePassword,
  confirmEmail,
  requestEmailChange,
  requestPasswordReset,
  resetPassword,
} from '@annals/contracts/identity/account.routes';
import { listLogins, listOwnLogins } from '@annals/contracts/identity/privacy.routes';
import { createSession, listSessions, refreshSession } from '@annals/contracts/identity/session.routes';
import { getMe, registerUser } from '@annals/contracts/identity/user.routes';
import { describe, expect, inject, test } from 'vitest';
import { Api, after, uniqueName } from './client.ts';
import { mailedToken, mailsTo } from './mails.ts';
import { newPerson, PASSWORD, type Person } from './people.ts';

const url = inject('stackUrl');
const folder = inject('stackFolder');
const anonymous = new Api(url);
const admin = anonymous.as(inject('adminToken'));
const NEW_PASSWORD = 'Quiet-meadow-lantern-9';

const logIn = (login: string, password: string) =>
  anonymous.call(createSession, { body: { login, password } });
const pointers = (body: { errors: { pointer: string }[] }) => body.errors.map(({ pointer }) => pointer);

describe('the password', () => {
  test('I5 is changed by whoever knows it; every mistake is told at once, other sessions end', async () => {
    const person = await newPerson(url, 'changing');
    const other = (await logIn(person.username, PASSWORD)).body;
    const wrong = await person.api.call(changePassword, {
      body: { currentPassword: 'not-the-password', newPassword: 'short' },
    });
    expect([wrong.status, wrong.body.code]).toEqual([422, 'validation-failed']);
    expect(new Set(pointers(wrong.body))).toEqual(new Set(['/currentPassword', '/newPassword']));
    expect(pointers(wrong.body).length).toBeGreaterThan(2);

    const changed = await person.api.ok(changePassword, {
      body: { currentPassword: PASSWORD, newPassword: NEW_PASSWORD },
    });
    const me = await person.api.ok(getMe, after(changed));
    expect(me.body.revision).toBe(changed.body.revision);
    const { refreshToken } = other;
    expect((await anonymous.call(refreshSession, { body: { refreshToken } })).status).toBe(401);
    await expect
      .poll(async () => (await anonymous.as(other.accessToken).call(getMe)).status, { timeout: 10_000 })
      .toBe(401);
    expect((await person.api.ok(listSessions)).body.count).toBe(1);
    await anonymous.ok(refreshSession, { body: { refreshToken: person.refreshToken } });
    expect((await logIn(person.username, PASSWORD)).status).toBe(401);
    expect((await logIn(person.username, NEW_PASSWORD)).status).toBe(201);
    await expect
      .poll(async () => (await mailsTo(folder, person.email)).join(), { timeout: 20_000 })
      .toContain('Your password was changed');
  });

  test('I5 is reset by a mailed token, once; who asks learns nothing, all sessions end', async () => {
    const person = await newPerson(url, 'forgetful');
    const ask = (email: string) => anonymous.call(requestPasswordReset, { body: { email } });
    const [known, unknown] = [await ask(person.email.toUpperCase()), await ask('nobody@example.org')];
    const comparable = ({ status, headers, body }: typeof known) => ({
      ...{ status, body },
      headers: [...headers.keys()].sort(),
    });
    expect(known.status).toBe(202);
    expect(comparable(unknown)).toEqual(comparable(known));

    const token = await mailedToken(folder, person.email, 'password-reset');
    const reset = (newPassword: string) =>
      anonymous.call(resetPassword, { params: { token }, body: { newPassword } });
    const weak = await reset(`${person.username}1!`);
    expect(pointers(weak.body)).toEqual(['/newPassword']);
    expect((await reset(NEW_PASSWORD)).status).toBe(200);
    expect((await reset(NEW_PASSWORD)).body.code).toBe('invalid-token');
    const { refreshToken } = person;
    expect((await anonymous.call(refreshSession, { body: { refreshToken } })).status).toBe(401);
    await expect.poll(async () => (await person.api.call(getMe)).status, { timeout: 10_000 }).toBe(401);
    expect((await logIn(person.username, PASSWORD)).status).toBe(401);
    expect((await logIn(person.email, NEW_PASSWORD)).status).toBe(201);
  });

  test('I5 is not reset by a token that was altered, is for something else, or is none', async () => {
    const person = await newPerson(url, 'careful');
    const welcome = await mailedToken(folder, person.email, 'email');
    const altered = `${welcome.startsWith('A') ? 'B' : 'A'}${welcome.slice(1)}`;
    for (const token of [welcome, altered, 'x'.repeat(94), 'short']) {
      const refused = await anonymous.call(resetPassword, {
        params: { token },
        body: { newPassword: NEW_PASSWORD },
      });
      expect([refused.status, refused.body.code]).toEqual([422, 'invalid-token']);
    }
    expect((await logIn(person.username, PASSWORD)).status).toBe(201);
  });
});

describe('the e-mail address', () => {
  test('I5 is confirmed by the token of the welcome mail', async () => {
    const person = await newPerson(url, 'confirming');
    const token = await mailedToken(folder, person.email, 'email');
    const confirmed = await anonymous.ok(confirmEmail, { params: { token } });
    const me = await person.api.ok(getMe, after(confirmed));
    expect(me.body).toMatchObject({ email: person.email, emailConfirmed: true });
    const again = await anonymous.ok(confirmEmail, { params: { token } });
    expect(again.body).toEqual(confirmed.body);
  });

  test('I5 changes once the new one is proven; the old one is told and is free for others', async () => {
    const person = await newPerson(url, 'moving');
    const email = `${person.username}@new.example.org`;
    const wrong = await person.api.call(requestEmailChange, { body: { email, password: 'not-it' } });
    expect(pointers(wrong.body)).toEqual(['/password']);
    await person.api.ok(requestEmailChange, { body: { email: `first-${email}`, password: PASSWORD } });
    await person.api.ok(requestEmailChange, { body: { email, password: PASSWORD } });
    expect((await person.api.ok(getMe, after(person.registered))).body.email).toBe(person.email);

    const [older, token] = [
      await mailedToken(folder, `first-${email}`, 'email'),
      await mailedToken(folder, email, 'email'),
    ];
    const superseded = await anonymous.call(confirmEmail, { params: { token: older } });
    expect(superseded.body.code).toBe('invalid-token');
    const confirmed = await anonymous.ok(confirmEmail, { params: { token } });
    const me = await person.api.ok(getMe, after(confirmed));
    expect(me.body).toMatchObject({ email, emailConfirmed: true });
    expect((await logIn(email, PASSWORD)).status).toBe(201);
    expect((await logIn(person.email, PASSWORD)).status).toBe(401);
    await anonymous.ok(registerUser, {
      body: { username: uniqueName('second'), email: person.email, password: PASSWORD },
    });
    await expect
      .poll(async () => (await mailsTo(folder, person.email)).join(), { timeout: 20_000 })
      .toContain('Your address was changed');
  });

  test('I5 of before gives no way back in by a mail that is still there, and the new one resets the password', async () => {
    const person = await newPerson(url, 'moved');
    const email = `${person.username}@new.example.org`;
    const ask = (address: string) => anonymous.ok(requestPasswordReset, { body: { email: address } });
    const reset = (token: string) =>
      anonymous.call(resetPassword, { params: { token }, body: { newPassword: NEW_PASSWORD } });
    await ask(person.email);
    const toOld = await mailedToken(folder, person.email, 'password-reset');
    await person.api.ok(requestEmailChange, { body: { email, password: PASSWORD } });
    const token = await mailedToken(folder, email, 'email');
    await anonymous.ok(confirmEmail, { params: { token } });
    expect((await reset(toOld)).body.code).toBe('invalid-token');
    await ask(email);
    expect((await reset(await mailedToken(folder, email, 'password-reset'))).status).toBe(200);
    expect((await logIn(email, NEW_PASSWORD)).status).toBe(201);
  });

  test('I5 that was asked for with a password that was replaced since does not change any more', async () => {
    const person = await newPerson(url, 'ousting');
    const email = `${person.username}@mallory.example.org`;
    await person.api.ok(requestEmailChange, { body: { email, password: PASSWORD } });
    const token = await mailedToken(folder, email, 'email');
    await person.api.ok(changePassword, {
      body: { currentPassword: PASSWORD, newPassword: NEW_PASSWORD },
    });
    expect((await anonymous.call(confirmEmail, { params: { token } })).body.code).toBe('invalid-token');
    expect((await logIn(person.email, NEW_PASSWORD)).status).toBe(201);
  });

  test('I5 that somebody else has meanwhile is refused', async () => {
    const person = await newPerson(url, 'late');
    const email = `${person.username}@taken.example.org`;
    await person.api.ok(requestEmailChange, { body: { email, password: PASSWORD } });
    const token = await mailedToken(folder, email, 'email');
    await anonymous.ok(registerUser, { body: { username: uniqueName('quick'), email, password: PASSWORD } });
    const refused = await anonymous.call(confirmEmail, { params: { token } });
    expect([refused.status, refused.body.code]).toEqual([409, 'email-taken']);
  });
});

describe('log-ins', () => {
  const idsOf = (body: { results: { id: string }[] }) => body.results.map(({ id }) => id);

  test('I4 are logged: one’s own for everybody, all for staff, in pages and by cursor', async () => {
    const person = await newPerson(url, 'logged');
    await logIn(person.username, 'wrong-password');
    const { body } = await person.api.ok(listOwnLogins);
    expect(body).toMatchObject({ count: 2, next: null, previous: null });
    expect(body.results).toMatchObject([
      { succeeded: false, reason: 'wrong-password', ip: '127.0.0.1', userId: person.id },
      { succeeded: true, reason: null },
    ]);
    const first = await person.api.ok(listOwnLogins, { query: { pageSize: 1 } });
    const second = await person.api.ok(listOwnLogins, { query: { pageSize: 1, page: 2 } });
    expect(first.body.next).toBe(`${url}/v1/me/logins?pageSize=1&page=2`);
    expect([...idsOf(first.body), ...idsOf(second.body)]).toEqual(idsOf(body));
    const start = await person.api.ok(listOwnLogins, { query: { pageSize: 1, cursor: 'start' } });
    const cursor = new URL(start.body.next).searchParams.get('cursor') ?? '';
    const rest = await person.api.ok(listOwnLogins, { query: { pageSize: 1, cursor } });
    expect(rest.body).toEqual({
      results: second.body.results,
      next: null,
      previous: expect.stringContaining('cursor='),
    });
    const back = new URL(rest.body.previous).searchParams.get('cursor') ?? '';
    const returned = await person.api.ok(listOwnLogins, { query: { pageSize: 1, cursor: back } });
    expect(idsOf(returned.body)).toEqual(idsOf(first.body));
    const bad = await person.api.call(listOwnLogins, { query: { cursor: 'x' } });
    expect(bad.body.code).toBe('invalid-cursor');

    const seen = await admin.ok(listLogins, { query: { user: person.id } });
    expect(idsOf(seen.body)).toEqual(idsOf(body));
    await logIn('somebody-unknown', 'wrong-password');
    const all = await admin.ok(listLogins, { query: { pageSize: 100 } });
    expect(all.body.results).toContainEqual(
      expect.objectContaining({ reason: 'unknown-login', userId: null }),
    );
    expect((await person.api.call(listLogins)).status).toBe(403);
    expect((await anonymous.call(listOwnLogins)).status).toBe(401);
  });

  test('I4 that fail again and again are slowed, known or not, and nobody else is', async () => {
    const person: Person = await newPerson(url, 'guessed');
    const attempts = async (login: string) => {
      const statuses: number[] = [];
      // A slow machine may let a pause or two pass, but not all of them.
      while (statuses.at(-1) !== 429 && statuses.length < 11)
        statuses.push((await logIn(login, 'wrong-password')).status);
      return [statuses.slice(0, 5), statuses.at(-1)];
    };
    const expected = [Array<number>(5).fill(401), 429];
    expect(await attempts(person.username)).toEqual(expected);
    expect(await attempts(uniqueName('nobody'))).toEqual(expected);
    const refused = await logIn(person.username, PASSWORD);
    if (refused.status === 429) expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const bystander = await newPerson(url, 'bystander');
    expect((await logIn(bystander.username, PASSWORD)).status).toBe(201);
  });
});
