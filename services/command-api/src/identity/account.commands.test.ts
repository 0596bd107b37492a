import { signToken } from '@annals/platform/privacy/signed-token';
import { uuidv7 } from '@annals/platform/uuid';
import { beforeEach, expect, test } from 'vitest';
import { streamOf } from '../commands/decider.ts';
import { createHarness, type Replica, userCaller } from '../commands/harness.fixture.ts';
import { changePassword, confirmEmail, requestEmailChange, resetPassword } from './account.commands.ts';
import { users } from './deciders.ts';
import { registered } from './domain/user.ts';
import { resetProof } from './reset-proof.ts';
import { registerUser } from './user.commands.ts';

const PASSWORD = 'Correct-horse-battery-7';
const NEW_PASSWORD = 'Quiet-meadow-lantern-9';
const OUTDATED = { code: 'invalid-token' };

let replica: Replica;
let userId: string;
beforeEach(async () => {
  replica = createHarness().replica();
  const body = { username: 'ada', email: 'ada@example.org', password: PASSWORD };
  userId = (await replica.run(registerUser, { body })).id;
});

const userOf = async () => (await replica.streams.load(streamOf(users, userId))).snapshot.state;
const tokenFor = (purpose: string, request: string) =>
  signToken(Buffer.alloc(32), purpose, { subject: userId, request, expiresAt: '2100-01-01T00:00:00.000Z' });

/** Asks for another address; gives the request's id. */
async function ask(email: string): Promise<string> {
  const ticket = { newId: uuidv7() };
  const body = { email, password: PASSWORD };
  await replica.run(requestEmailChange, { caller: userCaller(userId), body, ticket });
  return ticket.newId;
}

const confirm = (request: string) =>
  replica.run(confirmEmail, { params: { token: tokenFor('email', request) } });
const reset = (request: string) =>
  replica.run(resetPassword, {
    params: { token: tokenFor('password-reset', request) },
    body: { newPassword: NEW_PASSWORD },
  });
const change = () =>
  replica.run(changePassword, {
    caller: { ...userCaller(userId), sessionId: uuidv7() },
    body: { currentPassword: PASSWORD, newPassword: NEW_PASSWORD },
  });

test.each([
  ['reset', () => reset(userId)],
  ['change', change],
])(
  'I5 a %s of the password undoes the request for another address, by whoever knew the old one',
  async (_, replace) => {
    const request = await ask('mallory@example.org');
    await replace();
    await expect(confirm(request)).rejects.toMatchObject(OUTDATED);
    await confirm(await ask('ada@new.example.org'));
  },
);

test('I5 the address of the registration is proven whatever became of the password', async () => {
  await change();
  await confirm(userId);
});

test('I5 another address that was confirmed stays so, and confirming it again changes nothing', async () => {
  const request = await ask('ada@new.example.org');
  await confirm(request);
  await change();
  expect((await confirm(request)).hasAppended).toBe(false);
});

test('I5 a token that was mailed to an address that another took the place of resets no password', async () => {
  const mailed = async () => resetProof(registered(await userOf()));
  const toOld = await mailed();
  await confirm(await ask('ada@new.example.org'));
  await expect(reset(toOld)).rejects.toMatchObject(OUTDATED);
  const toNew = await mailed();
  await reset(toNew);
  await expect(reset(toNew)).rejects.toMatchObject(OUTDATED);
});

test('I5 a token that was mailed before the address was proven resets the password after it as well', async () => {
  const token = resetProof(registered(await userOf()));
  await confirm(userId);
  await reset(token);
});
