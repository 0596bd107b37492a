import { migrate } from '@annals/platform/postgres/migrate';
import { createPool } from '@annals/platform/postgres/pool';
import { keyedHash } from '@annals/platform/privacy/keyed-hash';
import { testDatabase } from '@annals/testing/servers/postgres';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { migrations } from '../schema.ts';
import { createLoginGuard, type LoginGuard } from './login-guard.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: pg.Pool;
/** Two replicas. */
let guard: LoginGuard;
let other: LoginGuard;
let locked: string[];
let waited: number[];

beforeAll(async () => {
  database = await testDatabase();
  pool = createPool({ url: database.url, application: 'test' });
  await migrate(pool, 'command-api', migrations);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  await pool.query('truncate command_api.login_failures');
  locked = [];
  waited = [];
  const newGuard = () =>
    createLoginGuard({
      pool,
      hash: (...parts) => keyedHash(Buffer.alloc(32), ...parts),
      lockAfter: 10,
      networkLockAfter: 40,
      lockMinutes: 15,
      onLocked: (what) => locked.push(what),
      pause: async (ms) => waited.push(ms),
    });
  guard = newGuard();
  other = newGuard();
});

const HERE = '192.0.2.1';
const THERE = '192.0.2.2';

/** Lets time pass for what is remembered. */
const pass = (interval: string) =>
  pool.query(
    'update command_api.login_failures set blocked_until = blocked_until - $1::interval, forget_at = forget_at - $1::interval',
    [interval],
  );

/** The seconds to wait; 0 where an attempt is allowed. That attempt fails. */
async function attempt(login: string, address: string, by = guard): Promise<number> {
  try {
    await (await by.begin(login, address)).fail();
    return 0;
  } catch (error) {
    return (error as { retryAfter: number }).retryAfter;
  }
}

async function failures(count: number, login: string, address: string): Promise<void> {
  for (let n = 0; n < count; n++) {
    await attempt(login, address);
    await pass('31 seconds');
  }
}

describe('failures at one login from one network', () => {
  test('I4 are slowed, and then lock it for that network alone, for all replicas', async () => {
    for (let n = 0; n < 5; n++) expect(await attempt('ada', HERE, n % 2 ? guard : other)).toBe(0);
    expect(await attempt('ada', HERE)).toBe(1);
    for (const seconds of [1, 2, 4, 8]) {
      await pass(`${seconds} seconds`);
      expect(await attempt('ada', HERE, other)).toBe(0);
      expect(await attempt('ada', HERE)).toBeGreaterThanOrEqual(seconds * 2 - 1);
    }
    await pass('16 seconds');
    expect(await attempt('ada', HERE)).toBe(0);
    expect(locked).toEqual(['login']);
    await pass('14 minutes');
    expect(await attempt('ada', HERE, other)).toBeGreaterThan(30);
    expect(await attempt('ada', THERE, other)).toBe(0);
    expect(await attempt('bob', HERE, other)).toBe(0);
    await pass('1 minute');
    expect(await attempt('ada', HERE)).toBe(0);
    expect(await attempt('ada', HERE)).toBeGreaterThan(800);
  });

  test('I4 made all at once are no more than one after the other', async () => {
    const begun = await Promise.allSettled(
      Array.from({ length: 60 }, (_, n) => (n % 2 ? guard : other).begin('ada', HERE)),
    );
    expect(begun.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
  });

  test('I4 are forgotten after a success, and an hour after the last', async () => {
    await failures(9, 'ada', HERE);
    await (await guard.begin('ada', HERE)).succeed();
    for (let n = 0; n < 5; n++) expect(await attempt('ada', HERE)).toBe(0);
    await pass('61 minutes');
    for (let n = 0; n < 5; n++) expect(await attempt('ada', HERE)).toBe(0);
    expect(await attempt('ada', HERE)).toBe(1);
  });
});

test('I4 an attempt that is abandoned counts for nothing, and takes back the lock that it began', async () => {
  for (let n = 0; n < 30; n++) await (await guard.begin('ada', HERE)).abandon();
  expect((await pool.query('select from command_api.login_failures where failures > 0')).rowCount).toBe(0);
  await failures(9, 'ada', HERE);
  await (await guard.begin('ada', HERE)).abandon();
  expect(await attempt('ada', HERE)).toBe(0);
  expect(locked).toEqual(['login']);
});

test('I5 failures are forgiven to whoever proves to be the owner, on their network alone', async () => {
  await failures(10, 'ada', HERE);
  await failures(10, 'ada', THERE);
  await guard.forgive(['ada', 'ada@example.org'], HERE);
  expect(await attempt('ada', HERE)).toBe(0);
  expect(await attempt('ada', THERE)).toBeGreaterThan(500);
});

describe('failures from one network', () => {
  test('I4 lock it, whatever the logins; successes in between change nothing', async () => {
    for (let n = 0; n < 40; n++) {
      if (n % 10 === 9) await (await guard.begin('mallory', HERE)).succeed();
      expect(await attempt(`victim ${n}`, HERE)).toBe(0);
      await pass('31 seconds');
    }
    expect(locked).toEqual(['network']);
    expect(await attempt('somebody', HERE, other)).toBeGreaterThan(800);
    expect(await attempt('somebody', THERE)).toBe(0);
  });

  test('I4 are forgotten an hour after the last, log in from there who may meanwhile', async () => {
    for (let n = 0; n < 30; n++) {
      await attempt(`victim ${n}`, HERE);
      await pass('31 seconds');
    }
    for (let n = 0; n < 3; n++) {
      await pass('21 minutes');
      await (await guard.begin('bob', HERE)).succeed();
    }
    for (let n = 0; n < 5; n++) expect(await attempt(`victim ${n}`, HERE)).toBe(0);
  });

  test('I4 are remembered for an hour after the last, however long ago the first was', async () => {
    for (let n = 0; n < 5; n++) {
      expect(await attempt('ada', HERE)).toBe(0);
      await pass('50 minutes');
    }
    expect(await attempt('ada', HERE)).toBe(0);
    expect(await attempt('ada', HERE)).toBe(2);
  });

  test('I4 count for the whole /64 of an IPv6 address', async () => {
    await failures(10, 'ada', '2001:db8::1');
    expect(await attempt('ada', '2001:db8::2')).toBeGreaterThan(800);
    expect(await attempt('ada', '2001:db8:0:1::1')).toBe(0);
  });
});

describe('failures at one login from everywhere', () => {
  test('I4 slow it down and never shut it: not at all for networks that its owner knows', async () => {
    for (let n = 0; n < 25; n++) expect(await attempt('ada', `198.51.100.${n}`)).toBe(0);
    const known = await guard.begin('ada', HERE);
    await known.slow(async () => true);
    expect(waited).toEqual([]);
    await known.succeed();
    const unknown = await other.begin('ada', THERE);
    await unknown.slow(async () => false);
    expect(waited).toEqual([1_000]);
    await unknown.fail();
    // And each network has to pause between attempts.
    expect(await attempt('ada', THERE)).toBe(1);
  });

  test('I4 ask nobody about networks as long as there are few', async () => {
    const begun = await guard.begin('ada', HERE);
    await begun.slow(async () => {
      throw new Error('asked');
    });
    await begun.succeed();
    expect((await pool.query('select from command_api.login_failures where failures > 0')).rowCount).toBe(0);
  });
});

test('I9 what has run out is swept', async () => {
  await attempt('ada', HERE);
  await guard.sweep();
  expect((await pool.query('select from command_api.login_failures')).rowCount).toBe(3);
  await pass('61 minutes');
  await guard.sweep();
  expect((await pool.query('select from command_api.login_failures')).rowCount).toBe(0);
});
