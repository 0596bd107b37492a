import {
  type OwnPostgres,
  ownPostgres,
  type TestDatabase,
  testDatabase,
} from '@annals/testing/servers/postgres';
import { suiteLimits, throttleSuite, user } from '@annals/testing/suites/throttle.suite';
import pg from 'pg';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLeasedThrottle, type LeasedThrottle } from './leased-throttle.ts';
import { createPostgresPermitCounters, type PermitCounters } from './permit-counters.ts';
import type { Limits } from './throttle.ts';

const logger = pino({ level: 'silent' });
let database: TestDatabase;
let replicas: LeasedThrottle[] = [];

beforeEach(async () => {
  database = await testDatabase();
  replicas = [];
});
afterEach(async () => {
  await Promise.all(replicas.map((replica) => replica.close()));
  await database.drop();
});

/** A throttle as a process has it; `onExchange` sees every round trip. */
async function replica(
  limits: Limits = suiteLimits,
  onExchange = (_: number) => {},
): Promise<LeasedThrottle> {
  const counters = await createPostgresPermitCounters({ url: database.url, application: 'test', logger });
  const watched: PermitCounters = {
    ...counters,
    exchange: (exchanges) => {
      onExchange(exchanges.length);
      return counters.exchange(exchanges);
    },
  };
  const throttle = createLeasedThrottle({ limits, counters: watched, logger });
  replicas.push(throttle);
  return throttle;
}

async function counted(key: string): Promise<number | undefined> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query('select minute_used from throttles.counters where key = $1', [key]);
  await client.end();
  return rows[0]?.minute_used;
}

async function granted(
  throttles: readonly LeasedThrottle[],
  requests: number,
  caller = user('a'),
): Promise<number> {
  const permits = await Promise.all(
    Array.from({ length: requests }, (_, n) => throttles[n % throttles.length]?.take('write', caller)),
  );
  return permits.filter((permit) => permit?.isGranted).length;
}

describe('a throttle alone', () => throttleSuite(() => replica()));

describe('several replicas [X1]', () => {
  it('together never grant more than the limit to requests that come at once, nor less than a block each', async () => {
    const four = await Promise.all([replica(), replica(), replica(), replica()]);
    let total = 0;
    for (let wave = 0; wave < 10; wave++) total += await granted(four, 40);
    expect(total).toBeLessThanOrEqual(100);
    expect(total).toBeGreaterThanOrEqual(100 - 4 * 5);
  });

  it('together grant exactly a limit that is leased one by one', async () => {
    const limits = { ...suiteLimits, write: { perMinute: 20, perHour: 1_000 } };
    const three = await Promise.all([replica(limits), replica(limits), replica(limits)]);
    expect(await granted(three, 90)).toBe(20);
  });

  it('keep the hour as well, whatever the minute allows', async () => {
    const limits = { ...suiteLimits, write: { perMinute: 1_000, perHour: 40 } };
    const two = await Promise.all([replica(limits), replica(limits)]);
    const total = await granted(two, 100);
    expect(total).toBeLessThanOrEqual(40);
    expect(total).toBeGreaterThanOrEqual(40 - 2 * 2);
  });

  it('get back what one of them has not used for a second, and when it stops', async () => {
    const [one, other] = [await replica(), await replica()];
    await one.take('write', user('a'));
    expect(await counted('write a')).toBe(6);
    await vi.waitFor(async () => expect(await counted('write a')).toBe(1), { timeout: 10_000 });
    await other.take('write', user('a'));
    await other.close();
    expect(await counted('write a')).toBe(2);
  });

  it('give nothing back to a window that is over', async () => {
    const counters = await createPostgresPermitCounters({ url: database.url, application: 'test', logger });
    const limit = suiteLimits.write;
    const [first] = await counters.exchange([{ key: 'k', wanted: 10, limit }]);
    const stale = { minuteEnds: (first?.minuteEnds ?? 0) - 60_000, hourEnds: first?.hourEnds ?? 0 };
    const [after] = await counters.exchange([{ key: 'k', returned: 4, windows: stale }]);
    expect(after).toMatchObject({ minuteUsed: 10, hourUsed: 6 });
    await counters.close();
  });

  it('count from nothing once a window is over', async () => {
    const one = await replica();
    expect(await granted([one], 150)).toBe(100);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query('update throttles.counters set minute_ends = 1');
    await client.end();
    const two = await replica();
    expect(await granted([two], 150)).toBe(100);
  });
});

describe('the cost of a permit', () => {
  it('is no round trip in the steady state: blocks are leased ahead of need', async () => {
    const limits = { ...suiteLimits, write: { perMinute: 100_000, perHour: 1_000_000 } };
    let exchanges = 0;
    const one = await replica(limits, () => exchanges++);
    for (let request = 0; request < 10_000; request++) await one.take('write', user('a'));
    expect(exchanges).toBeLessThan(20);
  });

  it('is shared by callers: those that ask at once are leased in one statement', async () => {
    const sizes: number[] = [];
    const one = await replica(suiteLimits, (size) => sizes.push(size));
    await Promise.all(Array.from({ length: 200 }, (_, n) => one.take('write', user(`u${n}`))));
    expect(sizes).toEqual([200]);
  });

  it('is nothing for a caller who is refused again and again', async () => {
    let exchanges = 0;
    const one = await replica(suiteLimits, () => exchanges++);
    await granted([one], 150);
    const before = exchanges;
    for (let request = 0; request < 100; request++) await one.take('write', user('a'));
    expect(exchanges - before).toBeLessThanOrEqual(1);
  });
});

describe('without PostgreSQL', () => {
  let server: OwnPostgres;
  beforeEach(async () => {
    server = await ownPostgres({ fsync: 'off' });
  });
  afterEach(() => server.remove());

  it('what is leased is granted on; then requests are refused as unavailable until it is back', async () => {
    const counters = await createPostgresPermitCounters({ url: server.url, application: 'test', logger });
    const limits = { ...suiteLimits, write: { perMinute: 1_000, perHour: 20_000 } };
    const throttle = createLeasedThrottle({ limits, counters, logger });
    await throttle.take('write', user('a'));
    await server.stop();
    for (let request = 0; request < 50; request++) {
      expect(await throttle.take('write', user('a'))).toMatchObject({ isGranted: true });
    }
    await expect(async () => throttle.take('write', user('a'))).rejects.toMatchObject({
      code: 'unavailable',
    });
    await server.start();
    await vi.waitFor(async () => throttle.take('write', user('a')), { timeout: 10_000 });
    await throttle.close();
  });
});
