import { Problem } from '@annals/contracts/problems';
import { expect, test } from 'vitest';
import type { Credentials } from './credentials.ts';
import { evolve, initial, registered } from './domain/user.ts';
import type { LoginGuard } from './login-guard.ts';
import { createPasswordProof } from './password-proof.ts';

const userId = '0197a000-0000-7000-8000-000000000001';
const person = {
  username: 'ada',
  email: 'ada@example.org',
  firstName: 'Ada',
  lastName: 'L',
  imported: false,
};
const ada = registered(evolve(initial, { type: 'UserRegistered', data: { userId, ...person } }));

function proof(verify: () => Promise<boolean>) {
  const steps: string[] = [];
  const told: object[] = [];
  const step = (name: string) => async () => void steps.push(name);
  const attempt = {
    slow: step('slow'),
    fail: step('fail'),
    succeed: step('succeed'),
    abandon: step('abandon'),
  };
  const prove = createPasswordProof({
    guard: { begin: async () => attempt } as Pick<LoginGuard, 'begin'> as LoginGuard,
    credentials: { find: async () => 'hash' } as Pick<Credentials, 'find'> as Credentials,
    passwords: { hash: async () => '', verify },
    security: {
      tell: (action, outcome, details) => void told.push({ action, outcome, ...details }),
    },
  });
  return { steps, told, prove: () => prove(ada, 'password', '192.0.2.1') };
}

test('I4 a proof of the password that fails on our side is no failure of whoever gives it', async () => {
  const { steps, prove } = proof(async () => {
    throw new Problem('unavailable', 'Too busy.');
  });
  await expect(prove()).rejects.toMatchObject({ code: 'unavailable' });
  expect(steps).toEqual(['abandon']);
});

test('I4 a wrong password counts as a failure wherever it is asked for', async () => {
  const { steps, prove } = proof(async () => false);
  expect(await prove()).toBe(false);
  expect(steps).toEqual(['fail']);
});

test('X3 a wrong password is told in the security log wherever it is asked for, a right one is not', async () => {
  const wrong = proof(async () => false);
  await wrong.prove();
  expect(wrong.told).toEqual([
    {
      ...{ action: 'prove-password', outcome: 'refused', reason: 'wrong-password' },
      ...{ userId, address: '192.0.2.1' },
    },
  ]);
  const right = proof(async () => true);
  await right.prove();
  expect(right.told).toEqual([]);
});
