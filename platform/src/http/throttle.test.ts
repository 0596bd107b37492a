import { suiteLimits, throttleSuite, user } from '@annals/testing/suites/throttle.suite';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { networkOf } from './network.ts';
import { sampleServer } from './sample.fixture.ts';
import { createLocalThrottle, type Permit, throttleFields, toLimits } from './throttle.ts';

const limit = (perMinute: number, perHour = perMinute * 20) => ({ perMinute, perHour });
const limits = suiteLimits;

throttleSuite(async () => createLocalThrottle(suiteLimits));

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

it('counts an IPv6 network of 64 bits as one caller', () => {
  expect(
    ['::1', '2001:DB8::', '1:2:3:4:5:6:7:8', 'fe80::1', '::ffff:192.0.2.1', '192.0.2.1'].map(networkOf),
  ).toEqual(['0:0:0:0', '2001:db8:0:0', '1:2:3:4', 'fe80:0:0:0', '192.0.2.1', '192.0.2.1']);
});

describe('settings [X1]', () => {
  const limitsOf = (settings: Record<string, string>) => toLimits(z.object(throttleFields).parse(settings));

  it('are strict where nothing is set: 60 a minute, 1,000 an hour, 100 without a token, logging in less', () => {
    expect(limitsOf({})).toEqual({
      read: limit(60, 1_000),
      write: limit(60, 1_000),
      anonymousRead: limit(60, 100),
      anonymousWrite: limit(60, 100),
      login: limit(10, 50),
      refresh: limit(60, 1_000),
      import: limit(60_000),
    });
  });

  it('allow 20 minutes an hour where only the minute is set, to anonymous callers as well', () => {
    expect(limitsOf({ throttleRead: '300', throttleLogin: '7' })).toMatchObject({
      read: limit(300, 6_000),
      anonymousRead: limit(300, 6_000),
      anonymousWrite: limit(60, 100),
      login: limit(7),
    });
  });

  it('say every hour as they like', () => {
    const settings = { throttleRead: '300', throttleReadHour: '400', throttleAnonymousHour: '90' };
    expect(limitsOf({ ...settings, throttleLoginHour: '30', throttleRefreshHour: '90' })).toMatchObject({
      read: limit(300, 400),
      anonymousRead: limit(300, 90),
      anonymousWrite: limit(60, 90),
      login: limit(10, 30),
      refresh: limit(60, 90),
    });
  });
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
