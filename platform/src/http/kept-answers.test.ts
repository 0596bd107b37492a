import { expect, it } from 'vitest';
import { createLogger } from '../telemetry/logger.ts';
import type { KeptAnswer } from './kept-answers.ts';
import { sampleServer } from './sample.fixture.ts';
import type { Permit, Throttle } from './throttle.ts';

const etag = '"one"';
const kept: KeptAnswer = {
  body: Buffer.from('{"kept":true}'),
  headers: { etag, 'cache-control': 'private, no-cache', vary: 'Authorization' },
  position: 'testlog0.0000000000000007',
};
/** At `debug` every request is logged, and goes the long way. */
const logger = createLogger({ service: 'sample', level: 'error' });
const recall = (url: string) => (url === '/v1/notes' ? kept : undefined);
const headers = { 'ratelimit-policy': '"burst";q=1;w=60', ratelimit: '"burst";r=0;t=60' };
const granted: Permit = { isGranted: true, retryAfter: 0, headers };
const refused: Permit = { isGranted: false, retryAfter: 9, headers };

it('X5 gives a kept answer with the headers of every answer', async () => {
  const { server } = await sampleServer({ recall, logger, allowedOrigins: ['https://app.test'] });
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

it('X5 gives none to callers with a token, to scripts, and to other methods', async () => {
  const { server } = await sampleServer({ recall, logger });
  for (const more of [{ authorization: 'Bearer ada' }, { origin: 'https://app.test' }]) {
    const made = await server.inject({ url: '/v1/notes', headers: more });
    expect(made.payload, JSON.stringify(more)).not.toContain('kept');
  }
  expect((await server.inject({ method: 'HEAD', url: '/v1/notes' })).headers.etag).not.toBe(etag);
});

it('X5 says that nothing has changed to who has it', async () => {
  const { server } = await sampleServer({ recall, logger });
  const known = await server.inject({ url: '/v1/notes', headers: { 'if-none-match': etag } });
  expect([known.statusCode, known.payload, known.headers.etag]).toEqual([304, '', etag]);
});

it.each([
  ['at once', (permit: Permit) => permit],
  ['later', (permit: Permit) => Promise.resolve(permit)],
])('X1 counts kept answers, told %s', async (_, tell) => {
  const permits = [granted, refused, refused];
  const throttle: Throttle = { take: () => tell(permits.shift() ?? refused) };
  const { server } = await sampleServer({ recall, logger, throttle });
  const first = await server.inject({ url: '/v1/notes' });
  expect([first.statusCode, first.headers.ratelimit]).toEqual([200, headers.ratelimit]);
  const second = await server.inject({ url: '/v1/notes' });
  expect([second.statusCode, second.headers['retry-after']]).toEqual([429, '9']);
});
