import { signToken } from '@annals/platform/privacy/signed-token';
import { createLogger } from '@annals/platform/telemetry/logger';
import type pg from 'pg';
import { beforeEach, expect, test } from 'vitest';
import { createHarness, type Replica, userCaller } from '../commands/harness.fixture.ts';
import type { CommandRunner } from '../commands/runner.ts';
import { confirmEmail, requestEmailChange } from './account.commands.ts';
import { key } from './domain/user.ts';
import { createPasswordResets, type PasswordResets } from './password-resets.ts';
import { disableUser, registerUser } from './user.commands.ts';

const EMAIL = 'ada@example.org';
let replica: Replica;
let userId: string;
let resets: PasswordResets;
/** The first word of every statement. */
let statements: string[];
let rows: { id: string; reservation: string }[];
/** The request whose command fails. */
let failing: string | null;
/** What the next command waits for. */
let gate: Promise<void> | null;

beforeEach(async () => {
  replica = createHarness().replica();
  const body = { username: 'ada', email: EMAIL, password: 'Correct-horse-battery-7' };
  userId = (await replica.run(registerUser, { body })).id;
  statements = [];
  rows = [];
  failing = null;
  gate = null;
  const query = async (text: string, values: readonly string[] = []) => {
    statements.push(text.trim().split(' ', 1)[0] ?? '');
    const [id = '', reservation = ''] = values;
    if (text.startsWith('insert')) rows.push({ id, reservation });
    if (/where id =/.test(text)) rows = rows.filter((row) => row.id !== id);
    return { rows: [...rows] };
  };
  const runner: CommandRunner = {
    async run(command, { params, caller }, ticket) {
      if (ticket.commandId === failing) throw new Error('the log is away');
      const held = gate;
      gate = null;
      await held;
      return replica.run(command, { params, caller, ticket });
    },
  };
  const logger = createLogger({ service: 'test', level: 'silent' });
  resets = createPasswordResets({ ...replica, pool: { query } as unknown as pg.Pool, runner, logger });
});

const requested = async () => (await replica.log.read(`verification-${userId}`)).map(({ data }) => data);

test('I5 a request is one row, whoever it concerns; what follows comes after the answer', async () => {
  await resets.request(EMAIL);
  const known = statements.splice(0);
  await resets.drain();
  const after = statements.splice(0);
  await resets.request('nobody@example.org');
  expect(statements.splice(0)).toEqual(known);
  await resets.drain();
  expect(statements).toEqual(after);
  expect(known).toEqual(['insert']);
  expect(rows).toEqual([]);
  expect(await requested()).toMatchObject([{ userId, passwordId: userId }]);
});

test('I5 what a process that died left behind is done, once', async () => {
  const left = { id: crypto.randomUUID(), reservation: replica.reservations.streamOf(key('email', EMAIL)) };
  for (const _ of [1, 2]) {
    rows.push(left);
    await resets.doPending();
    expect(rows).toEqual([]);
  }
  expect(await requested()).toMatchObject([{ requestId: left.id }]);
});

test('I5 one that fails is kept for later, and keeps no other from being done', async () => {
  const reservation = replica.reservations.streamOf(key('email', EMAIL));
  const [broken, left] = [crypto.randomUUID(), crypto.randomUUID()];
  rows = [broken, left].map((id) => ({ id, reservation }));
  failing = broken;
  await resets.doPending();
  expect(rows.map(({ id }) => id)).toEqual([broken]);
  expect(await requested()).toMatchObject([{ requestId: left }]);
});

test('I5 one that stalled until it was done as left behind is done once', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  gate = promise;
  await resets.request(EMAIL);
  await expect.poll(() => gate === null).toBe(true);
  await resets.doPending();
  resolve();
  await resets.drain();
  expect(await requested()).toHaveLength(1);
  expect(rows).toEqual([]);
});

test('I5 nothing is mailed to who is disabled', async () => {
  await replica.run(disableUser, {
    params: { id: userId },
    caller: userCaller(crypto.randomUUID(), 'staff'),
  });
  await resets.request(EMAIL);
  await resets.drain();
  expect(await requested()).toEqual([]);
});

test('I5 nothing is mailed for an address that was given up, be its release still on its way', async () => {
  const caller = userCaller(userId);
  const ticket = { newId: crypto.randomUUID() };
  const body = { email: 'new@example.org', password: 'Correct-horse-battery-7' };
  await replica.run(requestEmailChange, { caller, body, ticket });
  const claims = { subject: userId, request: ticket.newId, expiresAt: '2100-01-01T00:00:00.000Z' };
  await replica.run(confirmEmail, { params: { token: signToken(Buffer.alloc(32), 'email', claims) } });
  await resets.request(EMAIL);
  await resets.drain();
  expect(await requested()).toHaveLength(1);
  await resets.request('new@example.org');
  await resets.drain();
  const [, request] = await requested();
  // Bound to the address as well, not to the password alone.
  expect(request).toMatchObject({ passwordId: userId, proof: expect.any(String) });
  expect(request).not.toMatchObject({ proof: userId });
});
