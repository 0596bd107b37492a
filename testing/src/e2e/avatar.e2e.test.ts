import { removeAvatar, setAvatar } from '@annals/contracts/identity/avatar.routes';
import { eraseMe } from '@annals/contracts/identity/privacy.routes';
import { getMe, getUser } from '@annals/contracts/identity/user.routes';
import { expect, inject, test } from 'vitest';
import { PIXEL } from '../fixtures/pixel.ts';
import { Api, after } from './client.ts';
import { newPerson, PASSWORD } from './people.ts';

const url = inject('stackUrl');
const anonymous = new Api(url);

test('I1 a picture is set, shown to everybody as what it is, replaced, removed, and erased with its person', async () => {
  const person = await newPerson(url, 'pictured');
  const set = await person.api.ok(setAvatar, { body: { image: PIXEL } });
  const me = await person.api.ok(getMe, after(set));
  expect(me.body.revision).toBe(set.body.revision);
  const { avatarUrl } = (await anonymous.ok(getUser, { params: { idOrUsername: person.id } })).body;
  const picture = () => fetch(`${url}${avatarUrl}`);
  const shown = await picture();
  expect(shown.status).toBe(200);
  expect(Buffer.from(await shown.arrayBuffer()).toString('base64')).toBe(PIXEL);
  expect(shown.headers.get('content-type')).toBe('image/png');
  expect(shown.headers.get('x-content-type-options')).toBe('nosniff');
  expect(shown.headers.get('content-security-policy')).toContain('sandbox');

  const second = await person.api.ok(setAvatar, { body: { image: PIXEL } });
  const changed = await anonymous.ok(getUser, { params: { idOrUsername: person.id }, ...after(second) });
  expect(changed.body.avatarUrl).not.toBe(avatarUrl);
  expect((await picture()).status).toBe(404);
  const current = `${url}${changed.body.avatarUrl}`;
  expect((await fetch(current)).status).toBe(200);
  await person.api.ok(eraseMe, { body: { password: PASSWORD } });
  expect((await fetch(current)).status).toBe(404);
});

test('I1 a picture may be removed; what is none is refused', async () => {
  const person = await newPerson(url, 'unpictured');
  for (const text of ['<svg xmlns="http://www.w3.org/2000/svg"/>', 'GIF89a', 'x'.repeat(100_000)]) {
    const image = Buffer.from(text).toString('base64');
    const refused = await person.api.call(setAvatar, { body: { image } });
    expect(refused.body.errors).toMatchObject([{ pointer: '/image', code: 'invalid-image' }]);
  }
  await person.api.ok(setAvatar, { body: { image: PIXEL } });
  const removed = await person.api.ok(removeAvatar);
  expect((await person.api.ok(removeAvatar)).body).toEqual(removed.body);
  const profile = await anonymous.ok(getUser, { params: { idOrUsername: person.id }, ...after(removed) });
  expect(profile.body.avatarUrl).toBe(null);
});
