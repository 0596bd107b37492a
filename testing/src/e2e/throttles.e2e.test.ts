import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestStack, type TestStack } from '../stack.ts';

const PASSWORD = 'Correct-horse-battery-7';
/** Of the hour, since a minute may end while the test runs. */
const PER_HOUR = 60;
/** A twentieth of the limit. */
const BLOCK = 3;
const REPLICAS = 2;

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack({
    replicas: REPLICAS,
    tuning: {
      ANNALS_THROTTLE_WRITE: '1000',
      ANNALS_THROTTLE_WRITE_HOUR: String(PER_HOUR),
      ANNALS_THROTTLE_ANONYMOUS_HOUR: '40',
      ANNALS_THROTTLE_LOGIN: '1000',
      ANNALS_THROTTLE_LOGIN_HOUR: '5',
    },
  });
});
afterAll(() => stack?.stop());

const post = (path: string, body: object, token?: string) =>
  fetch(stack.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(body),
  });

/** How many of `count` requests, sent at once through the gateway to all replicas, have each status. */
async function statuses(
  count: number,
  send: (n: number) => Promise<Response>,
): Promise<Record<number, number>> {
  const answers = await Promise.all(Array.from({ length: count }, (_, n) => send(n)));
  const found: Record<number, number> = {};
  for (const { status } of answers) found[status] = (found[status] ?? 0) + 1;
  return found;
}

test('X1: two replicas never serve one caller more often than the limit says, others are not held up', async () => {
  const person = { username: 'often', email: 'often@example.test', password: PASSWORD };
  const registered = await post('/v1/users', person);
  expect(registered.status).toBe(201);
  const session = (await (await post('/v1/sessions', { login: 'often', password: PASSWORD })).json()) as {
    accessToken: string;
  };
  const { accessToken } = session;

  const title = (n: number) => ({ title: `On the matter of number ${n}`, content: '<p>Much.</p>' });
  const writes = await statuses(100, (n) => post('/v1/articles', title(n), accessToken));
  expect(Object.keys(writes).sort()).toEqual(['201', '429']);
  expect(writes[201]).toBeLessThanOrEqual(PER_HOUR);
  expect(writes[201]).toBeGreaterThanOrEqual(PER_HOUR - REPLICAS * BLOCK);

  // One of them may have a few left.
  let served = writes[201] ?? 0;
  let refused = await post('/v1/articles', title(101), accessToken);
  for (let n = 102; refused.status === 201 && served <= PER_HOUR; n++) {
    served++;
    refused = await post('/v1/articles', title(n), accessToken);
  }
  expect(served).toBeLessThanOrEqual(PER_HOUR);
  expect(refused.status).toBe(429);
  expect(refused.headers.get('ratelimit-policy')).toBe('"burst";q=1000;w=60, "sustained";q=60;w=3600');
  expect(refused.headers.get('ratelimit')).toMatch(/^"burst";r=\d+;t=\d+, "sustained";r=0;t=\d+$/);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(60);
  expect(await refused.json()).toMatchObject({ code: 'too-many-requests', status: 429 });

  // Reads are counted apart, and so is whoever has no token.
  const headers = {
    authorization: `Bearer ${accessToken}`,
    'annals-min-position': registered.headers.get('annals-position') ?? '',
  };
  expect((await fetch(`${stack.url}/v1/me`, { headers })).status).toBe(200);
  const reads = await statuses(80, () => fetch(`${stack.url}/v1/articles`));
  expect(reads[200]).toBeLessThanOrEqual(40);
  expect(reads[200]).toBeGreaterThanOrEqual(40 - REPLICAS * 2);
});

test('X1: log-ins have a stricter limit of their own, exact across replicas', async () => {
  // One log-in of this address is used up above.
  const tries = await statuses(20, () => post('/v1/sessions', { login: 'nobody', password: PASSWORD }));
  expect(tries).toEqual({ 401: 4, 429: 16 });
});
