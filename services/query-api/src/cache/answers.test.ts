import type { Permission } from '@annals/contracts/kit/route';
import { Basis, createCoherence } from '@annals/platform/consumer/coherence';
import type { Caller } from '@annals/platform/http/types';
import { Registry } from 'prom-client';
import { expect, test, vi } from 'vitest';
import { type Answers, createAnswers } from './answers.ts';

const at = (number: number) => `testlog0.${number.toString(16).padStart(16, '0')}`;
const row = (position: number) => ({
  ...{ consumer: 'list', position: at(position), through: at(position) },
  ...{ isLive: true, epoch: 1, parked: 0 },
});
const etag = '"one"';
const anonymous: Caller = { kind: 'anonymous', address: '192.0.2.1' };
const user = (userId: string, ...permissions: Permission[]): Caller => ({
  ...{ kind: 'user', userId, sessionId: 's', permissions: new Set(permissions), address: '192.0.2.1' },
});

async function setUp(maxBytes = 1_000_000) {
  const coherence = createCoherence(async () => [row(5)]);
  coherence.watch(['list']);
  await new Promise(setImmediate);
  coherence.close();
  const metrics = new Registry();
  const answers = createAnswers({ coherence, maxBytes, metrics });
  const measured = async (name: string) => (await metrics.getSingleMetric(name)?.get())?.values[0]?.value;
  return { coherence, answers, measured };
}

function keep(
  answers: Answers,
  url: string,
  { body = '{}', position = 5, until = Number.POSITIVE_INFINITY, caller = anonymous } = {},
) {
  const basis = new Basis([row(position)], at(position));
  answers.keep(caller, url, { body, headers: { etag, 'annals-position': at(position) }, basis, until });
}

test('X5 an answer is given until a view of it moves on', async () => {
  const { answers, coherence, measured } = await setUp();
  expect(answers.recall(anonymous, '/a', undefined)).toBeUndefined();
  keep(answers, '/a', { body: '{"a":1}' });
  expect(answers.recall(anonymous, '/a', undefined)).toMatchObject({
    body: Buffer.from('{"a":1}'),
    headers: { etag },
    position: at(5),
  });
  expect(answers.recall(anonymous, '/b', undefined)).toBeUndefined();
  coherence.heard([['list', at(6), at(6)]]);
  expect(answers.recall(anonymous, '/a', undefined)).toBeUndefined();
  expect([
    await measured('annals_query_cache_hits_total'),
    await measured('annals_query_cache_misses_total'),
  ]).toEqual([1, 1]);
});

test('X5 what was read before a view moved on and comes in after is never given', async () => {
  const { answers, coherence } = await setUp();
  coherence.heard([['list', at(6), at(6)]]);
  keep(answers, '/a', { position: 5 });
  expect(answers.recall(anonymous, '/a', undefined)).toBeUndefined();
  keep(answers, '/a', { position: 6 });
  expect(answers.recall(anonymous, '/a', undefined)?.position).toBe(at(6));
});

test('X5 an answer is given for positions that it is known to reflect, and for no other', async () => {
  const { answers, coherence } = await setUp();
  keep(answers, '/a');
  expect(answers.recall(anonymous, '/a', at(5))).toBeDefined();
  for (const wanted of [at(6), at(5).replace('testlog0', 'another0'), '', at(4).slice(0, -1), `${at(4)}0`])
    expect(answers.recall(anonymous, '/a', wanted), wanted).toBeUndefined();
  coherence.heard([['list', at(5), at(9)]]);
  expect(answers.recall(anonymous, '/a', at(9))?.position).toBe(at(9));
  expect(answers.recall(anonymous, '/a', at(10))).toBeUndefined();
});

test('X5 an answer is given to whom it was made for: same person, same permissions', async () => {
  const { answers } = await setUp();
  const callers = [
    anonymous,
    user('ada'),
    user('ada', 'staff'),
    user('grace'),
    { kind: 'service', name: 'worker', address: '192.0.2.1' } as const,
  ];
  for (const [index, caller] of callers.entries()) {
    expect(answers.recall(caller, '/a', undefined)).toBeUndefined();
    keep(answers, '/a', { caller, body: `${index}` });
  }
  for (const [index, caller] of callers.entries())
    expect(answers.recall(caller, '/a', undefined)?.body.toString()).toBe(`${index}`);
  const both = ['can_publish', 'can_moderate'] as const;
  keep(answers, '/a', { caller: user('ada', ...both) });
  expect(answers.recall(user('ada', ...both.toReversed()), '/a', undefined)).toBeDefined();
});

test('X5 what depends on the time holds until then', async () => {
  const { answers } = await setUp();
  const now = vi.spyOn(Date, 'now').mockReturnValue(1_000);
  keep(answers, '/a', { until: 2_000 });
  expect(answers.recall(anonymous, '/a', undefined)).toBeDefined();
  now.mockReturnValue(2_000);
  expect(answers.recall(anonymous, '/a', undefined)).toBeUndefined();
  now.mockRestore();
});

test('X5 memory is bounded: what was not asked for longest goes first, what is too large is not kept', async () => {
  const { answers, measured } = await setUp(100_000);
  const body = 'x'.repeat(1_000);
  for (let n = 0; n < 100; n++) {
    keep(answers, `/${n}`, { body });
    answers.recall(anonymous, '/0', undefined);
  }
  expect(await measured('annals_query_cache_bytes')).toBeLessThanOrEqual(100_000);
  expect(answers.recall(anonymous, '/0', undefined)).toBeDefined();
  expect(answers.recall(anonymous, '/1', undefined)).toBeUndefined();
  expect(answers.recall(anonymous, '/99', undefined)).toBeDefined();
  keep(answers, '/large', { body: 'x'.repeat(5_000) });
  expect(answers.recall(anonymous, '/large', undefined)).toBeUndefined();
});

test('X5 with no bytes nothing is kept', async () => {
  const { answers } = await setUp(0);
  keep(answers, '/a');
  expect(answers.recall(anonymous, '/a', undefined)).toBeUndefined();
});
