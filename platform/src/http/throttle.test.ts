import type { Permission } from '@annals/contracts/kit/route';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { networkOf } from './network.ts';
import { sampleServer } from './sample.fixture.ts';
import { createLocalThrottle, type Permit, throttleFields, toLimits } from './throttle.ts';
import type { Caller } from './types.ts';

const limit = (perMinute: number, perHour = perMinute * 20) => ({ perMinute, perHour });
const limits = { read: limit(2, 5), write: limit(1), login: limit(1), import: limit(10) };
const anonymous = (address: string): Caller => ({ kind: 'anonymous', address });
const user = (userId: string, ...permissions: Permission[]): Caller => ({
  kind: 'user',
  userId,
  sessionId: 's',
  permissions: new Set(permissions),
  address: '192.0.2.1',
});

function throttleAt(time = 0) {
  const clock = { time };
  const throttle = createLocalThrottle(limits, () => clock.time);
  const take = (...args: Parameters<typeof throttle.take>) => throttle.take(...args) as Permit;
  return { clock, take };
}

it('grants as many requests a minute as the limit says, then refuses until the minute is over', () => {
  const { clock, take } = throttleAt();
  const caller = user('a');
  expect(take('read', caller)).toEqual({
    isGranted: true,
    retryAfter: 0,
    headers: {
      'ratelimit-policy': '"burst";q=2;w=60, "sustained";q=5;w=3600',
      ratelimit: '"burst";r=1;t=60, "sustained";r=4;t=3600',
    },
  });
  clock.time = 10_500;
  expect(take('read', caller)).toMatchObject({ isGranted: true });
  expect(take('read', caller)).toMatchObject({
    isGranted: false,
    retryAfter: 50,
    headers: { ratelimit: '"burst";r=0;t=50, "sustained";r=3;t=3590' },
  });
  clock.time = 60_000;
  expect(take('read', caller)).toMatchObject({ isGranted: true });
});

it('refuses until the hour is over once its limit is reached; refused requests do not count', () => {
  const { clock, take } = throttleAt();
  const results = Array.from({ length: 6 }, (_, minute) => {
    clock.time = minute * 60_000;
    return [take('read', user('a')).isGranted, take('read', user('a')).retryAfter];
  });
  expect(results).toEqual([
    [true, 0],
    [true, 0],
    [true, 3_480],
    [false, 3_420],
    [false, 3_360],
    [false, 3_300],
  ]);
  clock.time = 3_600_000;
  expect(take('read', user('a')).isGranted).toBe(true);
});

it('counts users by id, anonymous callers by address, each throttle on its own', () => {
  const { take } = throttleAt();
  expect(take('write', user('a')).isGranted).toBe(true);
  expect(take('write', user('a')).isGranted).toBe(false);
  expect(take('read', user('a')).isGranted).toBe(true);
  expect(take('write', user('b')).isGranted).toBe(true);
  expect(take('write', anonymous('192.0.2.1')).isGranted).toBe(true);
  expect(take('write', anonymous('192.0.2.1')).isGranted).toBe(false);
  expect(take('write', anonymous('192.0.2.2')).isGranted).toBe(true);
});

it('counts an IPv6 network of 64 bits as one caller', () => {
  const { take } = throttleAt();
  expect(take('write', anonymous('2001:db8::1')).isGranted).toBe(true);
  expect(take('write', anonymous('2001:db8:0:0:1:2:3:4')).isGranted).toBe(false);
  expect(take('write', anonymous('2001:db8:0:1::1')).isGranted).toBe(true);
  expect(
    ['::1', '2001:DB8::', '1:2:3:4:5:6:7:8', 'fe80::1', '::ffff:192.0.2.1', '192.0.2.1'].map(networkOf),
  ).toEqual(['0:0:0:0', '2001:db8:0:0', '1:2:3:4', 'fe80:0:0:0', '192.0.2.1', '192.0.2.1']);
});

it('exempts services, and gives importers a limit of their own except for logging in', () => {
  const { take } = throttleAt();
  const service: Caller = { kind: 'service', name: 'worker', address: '192.0.2.1' };
  for (let count = 0; count < 50; count++) {
    expect(take('write', service)).toEqual({ isGranted: true, retryAfter: 0, headers: null });
  }
  const importer = user('i', 'can_import');
  for (let count = 0; count < 10; count++) {
    expect(take(count % 2 ? 'read' : 'write', importer).isGranted).toBe(true);
  }
  expect(take('read', importer).isGranted).toBe(false);
  expect(take('login', importer).isGranted).toBe(true);
  expect(take('login', importer).isGranted).toBe(false);
});

it('takes its limits from the settings', () => {
  const settings = z.object(throttleFields).parse({ throttleLogin: '7' });
  expect(toLimits(settings)).toMatchObject({ login: limit(7), read: limit(6_000) });
});

it('says on every answer of a throttled route what is left, and refuses with 429', async () => {
  const { server } = await sampleServer({ throttle: createLocalThrottle(limits) });
  const read = (url = '/v1/notes') => server.inject({ url });
  expect((await read()).headers).toMatchObject({
    'ratelimit-policy': '"burst";q=2;w=60, "sustained";q=5;w=3600',
    ratelimit: '"burst";r=1;t=60, "sustained";r=4;t=3600',
  });
  const refused = await read('/v1/notes?x=1');
  expect([refused.statusCode, refused.headers.ratelimit]).toEqual([
    400,
    '"burst";r=0;t=60, "sustained";r=3;t=3600',
  ]);
  const tooMany = await read();
  expect(tooMany.json()).toMatchObject({ status: 429, code: 'too-many-requests' });
  expect(tooMany.headers['retry-after']).toBe('60');
  expect(tooMany.headers.ratelimit).toBeDefined();
});

it('counts forged tokens against the address', async () => {
  const { server } = await sampleServer({ throttle: createLocalThrottle(limits) });
  const forged = () => server.inject({ url: '/v1/notes', headers: { authorization: 'Bearer forged' } });
  expect([(await forged()).statusCode, (await forged()).statusCode, (await forged()).statusCode]).toEqual([
    401, 401, 429,
  ]);
});
