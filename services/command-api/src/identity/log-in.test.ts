import type { SessionTokens } from '@annals/contracts/identity/views';
import { Problem } from '@annals/contracts/problems';
import { beforeEach, describe, expect, test } from 'vitest';
import { createHarness, type Replica, userCaller } from '../commands/harness.fixture.ts';
import type { Credentials } from './credentials.ts';
import { createLogIn, type LogIn } from './log-in.ts';
import type { LoginGuard } from './login-guard.ts';
import type { LoginAttempt, LoginLog } from './login-log.ts';
import { eraseUser } from './privacy.commands.ts';
import type { Sessions } from './sessions.ts';
import { disableUser, registerUser } from './user.commands.ts';

const PASSWORD = 'Correct-horse-battery-7';
const client = { ip: '192.0.2.1', userAgent: 'test' };
const tokens = { accessToken: 'a' } as SessionTokens;

let replica: Replica;
let userId: string;
let logIn: LogIn;
/** What was done, in order. */
let steps: string[];
let logged: LoginAttempt[];
let mayBegin: boolean;
/** What happens while the password is looked at. */
let meanwhile: () => Promise<unknown>;
/** The step that fails on our side. */
let away: string | null;

beforeEach(async () => {
  replica = createHarness().replica();
  const body = { username: 'ada', email: 'ada@example.org', password: PASSWORD };
  userId = (await replica.run(registerUser, { body })).id;
  [steps, logged, mayBegin, away] = [[], [], true, null];
  meanwhile = async () => {};
  const step = <Result>(name: string, result: Result): Result => {
    steps.push(name);
    if (name === away) throw new Problem('unavailable', 'Away.');
    return result;
  };
  logIn = createLogIn({
    ...replica,
    credentials: { find: async (id) => step('find', id === userId ? PASSWORD : null) } as Pick<
      Credentials,
      'find'
    > as Credentials,
    passwords: {
      hash: async () => '',
      async verify(password, hash) {
        await meanwhile();
        return step('verify', password === hash);
      },
    },
    guard: {
      begin: async () => ({
        slow: async (isKnown) => void (await isKnown()),
        fail: async () => step('fail', undefined),
        succeed: async () => step('succeed', undefined),
        abandon: async () => step('abandon', undefined),
      }),
    } as Pick<LoginGuard, 'begin'> as LoginGuard,
    loginLog: {
      record: async (attempt) => step('record', void logged.push(attempt)),
      hasSucceeded: async () => step('ask for networks', false),
      erase: async (erased) => {
        logged = logged.filter((attempt) => attempt.userId !== erased);
      },
    } as Pick<LoginLog, 'record' | 'hasSucceeded' | 'erase'> as LoginLog,
    sessions: { start: async () => step('start', mayBegin ? tokens : null) } as unknown as Sessions,
    security: { tell: (action, outcome) => step(`${action} ${outcome}`, undefined) },
  });
});

const refused = { code: 'invalid-credentials', message: 'Login or password is wrong.' };
const last = () => logged.at(-1);

describe('a log-in', () => {
  test('I4 takes the same steps and tells as much for a login that is nobody’s as for a wrong password', async () => {
    await expect(logIn({ login: 'ada', password: 'wrong' }, client)).rejects.toMatchObject(refused);
    const wrong = steps.splice(0);
    expect(last()).toMatchObject({ userId, reason: 'wrong-password' });
    await expect(logIn({ login: 'nobody', password: 'wrong' }, client)).rejects.toMatchObject(refused);
    expect(last()).toMatchObject({ userId: null, reason: 'unknown-login' });
    expect(steps).toEqual(wrong);
    expect(wrong).toContain('verify');
  });

  test('I3 I4 of a disabled user is refused like a wrong password, be it right', async () => {
    const caller = userCaller(crypto.randomUUID(), 'staff');
    await replica.run(disableUser, { params: { id: userId }, caller });
    await expect(logIn({ login: 'ada', password: PASSWORD }, client)).rejects.toMatchObject(refused);
    expect(last()).toMatchObject({ userId, reason: 'disabled' });
    expect(steps).toContain('fail');
  });

  test('I5 with a password that is replaced at that moment is refused', async () => {
    mayBegin = false;
    await expect(logIn({ login: 'ada', password: PASSWORD }, client)).rejects.toMatchObject(refused);
    expect(last()).toMatchObject({ reason: 'wrong-password' });
  });

  test.each([PASSWORD, 'wrong'])(
    'I8 that an erasure has overtaken leaves nothing in the log: %s',
    async (password) => {
      mayBegin = false;
      meanwhile = () =>
        replica.run(eraseUser, {
          params: { id: userId },
          caller: userCaller(crypto.randomUUID(), 'staff'),
        });
      await expect(logIn({ login: 'ada', password }, client)).rejects.toMatchObject(refused);
      expect(steps).toContain('record');
      expect(logged).toEqual([]);
    },
  );

  test.each(['find', 'ask for networks', 'verify', 'start'])(
    'I4 that fails on our side (%s) is no failure of whoever logs in',
    async (name) => {
      away = name;
      await expect(logIn({ login: 'ada', password: PASSWORD }, client)).rejects.toMatchObject({
        code: 'unavailable',
      });
      expect(steps.slice(-2)).toEqual([name, 'abandon']);
    },
  );

  test('I3 succeeds by either name, whatever its case', async () => {
    for (const login of ['ADA', 'Ada@Example.org'])
      expect(await logIn({ login, password: PASSWORD }, client)).toBe(tokens);
    expect(logged.map(({ reason }) => reason)).toEqual([null, null]);
    expect(steps).not.toContain('fail');
  });
});
