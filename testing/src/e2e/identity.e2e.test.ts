import { createSession, getJwks, refreshSession } from '@annals/contracts/identity/session.routes';
import { getMe, getUser, listUsers, registerUser, updateMe } from '@annals/contracts/identity/user.routes';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { Api, after, uniqueName } from './client.ts';
import { newPerson, PASSWORD, type Person } from './people.ts';

const url = inject('stackUrl');
const anonymous = new Api(url);
let ada: Person;

beforeAll(async () => {
  ada = await newPerson(url, 'ada');
});

describe('registration', () => {
  test('I1 a registered person has a profile from the start', async () => {
    const profile = await anonymous.ok(getUser, {
      params: { idOrUsername: ada.username },
      ...after(ada.registered),
    });
    expect(profile.body).toMatchObject({
      id: ada.id,
      username: ada.username,
      bio: '',
      website: null,
      articleCount: 0,
    });
    expect(profile.body).not.toHaveProperty('email');
    expect(profile.headers.get('etag')).toMatch(/^"0-[\w-]+"$/);
  });

  test('I1 the answer of a registration names the new resource', () => {
    expect(ada.registered.headers.get('location')).toBe(`${url}/v1/users/${ada.id}`);
    expect(ada.registered.headers.get('etag')).toBe('"0"');
    expect(ada.registered.body).toEqual({ id: ada.id, revision: 0 });
  });

  test('I1 a username is taken whatever its case, an address likewise, and both are reported at once', async () => {
    const again = await anonymous.call(registerUser, {
      body: { username: ada.username.toUpperCase(), email: ada.email.toUpperCase(), password: PASSWORD },
    });
    expect(again.status).toBe(409);
    expect(again.body.code).toBe('username-taken');
    expect(again.body.errors.map((mistake: { pointer: string }) => mistake.pointer).sort()).toEqual([
      '/email',
      '/username',
    ]);
  });

  test('I1 a name that a failed registration asked for is free again', async () => {
    const username = uniqueName('free');
    const failed = await anonymous.call(registerUser, {
      body: { username, email: ada.email, password: PASSWORD },
    });
    expect(failed.body.code).toBe('email-taken');
    await anonymous.ok(registerUser, {
      body: { username, email: `${username}@example.org`, password: PASSWORD },
    });
  });

  test('I1 of many parallel registrations of one name exactly one wins', async () => {
    const username = uniqueName('race');
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        anonymous.call(registerUser, {
          body: { username, email: `${username}-${n}@example.org`, password: PASSWORD },
        }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(7).fill(409)]);
  });

  test('I2 every failed rule of the password policy is reported at once', async () => {
    const username = uniqueName('weak');
    const refused = await anonymous.call(registerUser, {
      body: { username, email: `${username}@example.org`, password: '12345' },
    });
    expect(refused.status).toBe(422);
    const codes = refused.body.errors.filter(
      (mistake: { pointer: string }) => mistake.pointer === '/password',
    );
    expect(codes.length).toBeGreaterThanOrEqual(3);
  });

  test('P15 only callers with can_import register people without a password', async () => {
    const username = uniqueName('nopass');
    const refused = await anonymous.call(registerUser, {
      body: { username, email: `${username}@example.org` },
    });
    expect(refused.status).toBe(422);
  });
});

describe('sessions', () => {
  test('I3 log-in works by username and by e-mail', async () => {
    for (const login of [ada.username, ada.email]) {
      const session = await anonymous.ok(createSession, { body: { login, password: PASSWORD } });
      const me = await anonymous.as(session.body.accessToken).ok(getMe, after(ada.registered));
      expect(me.body).toMatchObject({ id: ada.id, email: ada.email, emailConfirmed: false, permissions: [] });
    }
  });

  test('I3 a wrong password and an unknown login are told apart by nothing', async () => {
    const wrong = await anonymous.call(createSession, {
      body: { login: ada.username, password: 'wrong-password' },
    });
    const unknown = await anonymous.call(createSession, {
      body: { login: uniqueName('nobody'), password: 'wrong-password' },
    });
    expect(wrong.status).toBe(401);
    expect({ ...wrong.body, traceId: '' }).toEqual({ ...unknown.body, traceId: '' });
  });

  test('I3 a refresh token rotates; parallel tabs within the grace are not logged out', async () => {
    const { body: first } = await anonymous.ok(createSession, {
      body: { login: ada.username, password: PASSWORD },
    });
    const tabs = await Promise.all(
      [1, 2].map(() => anonymous.ok(refreshSession, { body: { refreshToken: first.refreshToken } })),
    );
    for (const tab of tabs) {
      expect(tab.body.refreshToken).not.toBe(first.refreshToken);
      await anonymous.as(tab.body.accessToken).ok(getMe);
    }
  });

  test('I3 an unknown refresh token is refused', async () => {
    const refused = await anonymous.call(refreshSession, { body: { refreshToken: 'x'.repeat(43) } });
    expect(refused.body.code).toBe('invalid-refresh-token');
  });

  test('I3 the public keys are published', async () => {
    const { body } = await anonymous.ok(getJwks);
    expect(body.keys[0]).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA' });
    expect(body.keys[0]).not.toHaveProperty('d');
  });
});

describe('profiles', () => {
  test('I7 a profile update is visible to others, and private fields are not', async () => {
    const person = await newPerson(url, 'profile');
    const updated = await person.api.ok(updateMe, {
      body: { bio: 'Writes programs.', website: 'https://example.org/' },
    });
    expect(updated.body.revision).toBe(1);
    const seen = await anonymous.ok(getUser, { params: { idOrUsername: person.id }, ...after(updated) });
    expect(seen.body).toMatchObject({
      bio: 'Writes programs.',
      website: 'https://example.org/',
      displayName: 'Ada Lovelace',
    });
  });

  test('updating to what is already so changes nothing', async () => {
    const person = await newPerson(url, 'same');
    const first = await person.api.ok(updateMe, { body: { bio: 'same' } });
    const second = await person.api.ok(updateMe, { body: { bio: 'same' } });
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('annals-position')).toBe(first.headers.get('annals-position'));
  });

  test('I7 users are listed and found by name', async () => {
    const list = await anonymous.ok(listUsers, {
      query: { username: ada.username },
      ...after(ada.registered),
    });
    expect(list.body.results.map((user: { id: string }) => user.id)).toEqual([ada.id]);
    expect(list.body.count).toBe(1);
  });

  test('a person who is not there is not found', async () => {
    expect((await anonymous.call(getUser, { params: { idOrUsername: uniqueName('nobody') } })).status).toBe(
      404,
    );
  });
});
