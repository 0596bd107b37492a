import { openToken } from '@annals/platform/privacy/signed-token';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HMAC_KEY, startWorld, type World } from '../worker.fixture.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.stop());

const PASSWORD = '01990000-0000-7000-8000-0000000000a1';
const REQUEST = '01990000-0000-7000-8000-0000000000a2';
const PROOF = '01990000-0000-7000-8000-0000000000a3';
const later = () => new Date(Date.now() + 3_600_000).toISOString();

/** The mail to the address, decoded as far as links need it. */
async function mailTo(address: string): Promise<string> {
  const mails = (await world.mails()).filter((mail) => mail.includes(`To: ${address}\r\n`));
  return mails.join('\n').replace(/=\r\n/g, '').replaceAll('=3D', '=');
}

const tokenIn = (mail: string, purpose: string): string =>
  new RegExp(`http://annals.test/docs/account#${purpose}=([\\w-]{94})`).exec(mail)?.[1] ?? '';

test('I5 tokens are made when a mail is sent: to the address that asks, or the one to be proven; the old one is told', async () => {
  const userId = await world.register();
  const expiresAt = later();
  await world.append(`verification-${userId}`, 'PasswordResetRequested', {
    ...{ userId, requestId: REQUEST, passwordId: PASSWORD, proof: PROOF, expiresAt },
  });
  await world.append(`verification-${userId}`, 'EmailChangeRequested', {
    ...{ userId, requestId: REQUEST, email: 'new@example.org', expiresAt },
  });
  await world.startApp();
  await world.settle();
  const open = (purpose: string, mail: string) =>
    openToken(HMAC_KEY, purpose, tokenIn(mail, purpose), new Date());
  const [own, other] = [await mailTo('ada@example.org'), await mailTo('new@example.org')];
  expect(open('password-reset', own)).toEqual({ subject: userId, request: PROOF, expiresAt });
  expect(open('email', own)).toMatchObject({ subject: userId, request: userId });
  expect(open('email', other)).toEqual({ subject: userId, request: REQUEST, expiresAt });

  const confirmed = { userId, requestId: REQUEST, email: 'new@example.org' };
  await world.append(`user-${userId}`, 'EmailConfirmed', confirmed);
  await world.settle();
  expect(await mailTo('ada@example.org')).toContain('Subject: Your address was changed');
  const { rows } = await world.pool.query(
    'select row_to_json(j)::text as text from graphile_worker._private_jobs j',
  );
  expect(JSON.stringify(rows)).not.toContain('example.org');
});

test('I5 a mail whose token is over is not sent', async () => {
  const userId = await world.register({ imported: true });
  const known = await world.register({ email: 'bob@example.org' });
  for (const id of [userId, known])
    await world.append(`verification-${id}`, 'PasswordResetRequested', {
      ...{ userId: id, requestId: REQUEST, passwordId: PASSWORD },
      expiresAt: '2026-01-01T00:00:00.000Z',
    });
  await world.startApp();
  await world.settle();
  const { rows } = await world.pool.query(
    `select recipient, outcome from worker.mails where template = 'password-reset' order by recipient`,
  );
  const outdated = [userId, known].sort().map((recipient) => ({ recipient, outcome: 'outdated' }));
  expect(rows).toEqual(outdated);
});

test('I5 I8 a changed password and an erasure have command-api tidy up; who is erased gets no mail', async () => {
  const userId = await world.register();
  await world.append(`user-${userId}`, 'PasswordChanged', { userId, passwordId: PASSWORD, sessionId: null });
  await world.append(`user-${userId}`, 'UserErased', { userId });
  await world.startApp();
  await world.settle();
  expect(
    world.calls.map(({ path, body }) => ({ path, body })).sort((a, b) => (a.path < b.path ? -1 : 1)),
  ).toEqual([
    { path: '/internal/erasures', body: { userId } },
    { path: '/internal/passwords/changed', body: { userId } },
  ]);
  const { rows } = await world.pool.query('select distinct outcome from worker.mails');
  expect(rows).toEqual([{ outcome: 'erased' }]);
  expect(await world.mails()).toEqual([]);
});
