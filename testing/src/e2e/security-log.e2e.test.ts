import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { changePassword } from '@annals/contracts/identity/account.routes';
import { listLogins } from '@annals/contracts/identity/privacy.routes';
import { createSession } from '@annals/contracts/identity/session.routes';
import { grantPermission } from '@annals/contracts/identity/user.routes';
import { expect, inject, test } from 'vitest';
import { Api } from './client.ts';
import { newPerson } from './people.ts';

const url = inject('stackUrl');
const folder = join(inject('stackFolder'), 'logs');
const admin = new Api(url).as(inject('adminToken'));

/** The lines of the security log that name the user. */
async function told(userId: string): Promise<Record<string, unknown>[]> {
  const files = await readdir(folder);
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return (
    texts
      .flatMap((text) => text.split('\n'))
      .filter((line) => line.includes('"category":"security"') && line.includes(userId))
      // The last one may be half written.
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line.slice(line.indexOf('{'))) as Record<string, unknown>)
  );
}

test('X3 log-ins, refusals and permissions are told in the security log, people by their ids alone', async () => {
  const person = await newPerson(url, 'watched');
  await new Api(url).call(createSession, { body: { login: person.email, password: 'wrong-password' } });
  const body = { currentPassword: 'wrong-password', newPassword: 'Quiet-meadow-lantern-9' };
  expect((await person.api.call(changePassword, { body })).status).toBe(422);
  expect((await person.api.call(listLogins)).status).toBe(403);
  await admin.ok(grantPermission, { params: { id: person.id, permission: 'can_publish' } });

  const expected = [
    { action: 'log-in', outcome: 'done', userId: person.id, address: '127.0.0.1' },
    { action: 'log-in', outcome: 'refused', reason: 'wrong-password', userId: person.id },
    { action: 'prove-password', outcome: 'refused', reason: 'wrong-password', userId: person.id },
    { action: 'request', outcome: 'refused', status: 403, route: '/v1/logins', userId: person.id },
    { action: 'grant-permission', outcome: 'done', permission: 'can_publish', userId: person.id },
  ];
  await expect
    .poll(() => told(person.id), { timeout: 10_000 })
    .toEqual(expect.arrayContaining(expected.map((line) => expect.objectContaining(line))));
  const lines = JSON.stringify(await told(person.id));
  for (const personal of [person.username, person.email]) expect(lines).not.toContain(personal);
});
