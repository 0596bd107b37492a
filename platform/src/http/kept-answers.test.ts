import { expect, it } from 'vitest';
import { createLogger } from '../telemetry/logger.ts';
import type { KeptAnswer } from './kept-answers.ts';
import { authenticateSample, sampleServer } from './sample.fixture.ts';
import type { Permit, Throttle } from './throttle.ts';
import type { Caller } from './types.ts';

const etag = '"one"';
const kept: KeptAnswer = {
  body: Buffer.from('{"kept":true}'),
  headers: { etag, 'cache-control': 'private, no-cache', vary: 'Authorization' },
  position: 'testlog0.0000000000000007',
};
/** At `debug` every request is logged, and goes the long way. */
const logger = createLogger({ service: 'sample', level: 'error' });
/** For those who are not signed in, and for Ada. */
const isKeptFor = (caller: Caller) =>
  caller.kind === 'anonymous' || (caller.kind === 'user' && caller.userId === 'ada');
const answers = {
  recall: (caller: Caller, url: string) => (url === '/v1/notes' && isKeptFor(caller) ? kept : undefined),
  recognize: authenticateSample,
};
const headers = { 'ratelimit-policy': '"burst";q=1;w=60', ratelimit: '"burst";r=0;t=60' };
const granted: Permit = { isGranted: true, retryAfter: 0, headers };
const refused: Permit = { isGranted: false, retryAfter: 9, headers };

it('X5 gives a kept answer with the headers of every answer', async () => {
  const { server } = await sampleServer({ kept: answers, logger, allowedOrigins: ['https://app.test'] });
  const hit = await server.inject({ url: '/v1/notes' });
  const made = await server.inject({ url: '/v1/notes?' });
  expect([hit.statusCode, hit.payload]).toEqual([200, '{"kept":true}']);
  expect(hit.headers).toMatchObject({
    etag,
    'cache-control': 'private, no-cache',
    vary: 'Origin, Authorization',
    'content-type': 'application/json; charset=utf-8',
    'annals-position': kept.position,
  });
  for (const name of Object.keys(made.headers)) expect(hit.headers, name).toHaveProperty(name);
});

it('X5 gives callers with a token what is kept for them, and is counted as theirs', async () => {
  const taken: Caller[] = [];
  const throttle: Throttle = {
    take: (_, caller) => {
      taken.push(caller);
      return granted;
    },
  };
  const { server } = await sampleServer({ kept: answers, logger, throttle });
  const own = await server.inject({ url: '/v1/notes', headers: { authorization: 'Bearer ada' } });
  expect(own.payload).toBe('{"kept":true}');
  expect(taken).toMatchObject([{ kind: 'user', userId: 'ada' }]);
});

it('X5 gives none to whoever is not known without waiting, to other callers, to scripts, and to other methods', async () => {
  const recognize = () => undefined;
  const stranger = await sampleServer({ kept: { ...answers, recognize }, logger });
  const unknown = await stranger.server.inject({
    url: '/v1/notes',
    headers: { authorization: 'Bearer ada' },
  });
  expect(unknown.payload).not.toContain('kept');
  const { server } = await sampleServer({ kept: answers, logger });
  for (const more of [{ authorization: 'Bearer publisher' }, { origin: 'https://app.test' }]) {
    const made = await server.inject({ url: '/v1/notes', headers: more });
    expect(made.payload, JSON.stringify(more)).not.toContain('kept');
  }
  expect((await server.inject({ method: 'HEAD', url: '/v1/notes' })).headers.etag).not.toBe(etag);
});

it('X5 says that nothing has changed to who has it', async () => {
  const { server } = await sampleServer({ kept: answers, logger });
  const known = await server.inject({ url: '/v1/notes', headers: { 'if-none-match': etag } });
  expect([known.statusCode, known.payload, known.headers.etag]).toEqual([304, '', etag]);
});

it.each([
  ['at once', (permit: Permit) => permit],
  ['later', (permit: Permit) => Promise.resolve(permit)],
])('X1 counts kept answers, told %s', async (_, tell) => {
  const permits = [granted, refused, refused];
  const throttle: Throttle = { take: () => tell(permits.shift() ?? refused) };
  const { server } = await sampleServer({ kept: answers, logger, throttle });
  const first = await server.inject({ url: '/v1/notes' });
  expect([first.statusCode, first.headers.ratelimit]).toEqual([200, headers.ratelimit]);
  const second = await server.inject({ url: '/v1/notes' });
  expect([second.statusCode, second.headers['retry-after']]).toEqual([429, '9']);
});
