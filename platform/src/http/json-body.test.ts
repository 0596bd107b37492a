import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { discardBody, inspectJson } from './json-body.ts';

it('finds what no schema may let pass, however deep and whatever the schema', () => {
  const value: unknown = JSON.parse(
    '{"list":[{"__proto__":{"a":1}},{"b\\u0000":"\\udfff"}],"fine":["\\ud83d\\ude00",1,null,true]}',
  );
  expect(inspectJson(value)).toMatchObject([
    { pointer: '/list/0/__proto__', code: 'unknown-field' },
    { pointer: '/list/1/b\u0000', code: 'invalid-text' },
    { pointer: '/list/1/b\u0000', code: 'invalid-text' },
  ]);
});

/** A request whose body is still coming. */
function incoming(headers: Record<string, string>) {
  const stream = new PassThrough();
  return { stream, message: Object.assign(stream, { headers }) as unknown as IncomingMessage };
}

async function isDoneSoon(work: Promise<void>): Promise<boolean> {
  return Promise.race([work.then(() => true), turn().then(() => false)]);
}

it('waits for the rest of a refused body, but neither for too much of it nor for too long', async () => {
  const ending = incoming({ 'content-length': '10' });
  const discarded = discardBody(ending.message);
  ending.stream.write('12345');
  expect(await isDoneSoon(discarded)).toBe(false);
  ending.stream.end('67890');
  await discarded;

  expect(await isDoneSoon(discardBody(incoming({ 'content-length': '99999999999' }).message))).toBe(true);

  const endless = incoming({ 'transfer-encoding': 'chunked' });
  const limited = discardBody(endless.message);
  endless.stream.write(Buffer.alloc(33 * 1024 * 1024));
  await limited;

  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const slow = discardBody(incoming({ 'content-length': '10' }).message);
  vi.advanceTimersByTime(4_000);
  expect(await isDoneSoon(slow)).toBe(false);
  vi.advanceTimersByTime(1_000);
  await slow;
  vi.useRealTimers();
});

it('does not wait where nothing is left to come', async () => {
  const ended = incoming({ 'content-length': '2' });
  ended.stream.end('{}').resume();
  await new Promise((resolve) => ended.stream.once('close', resolve));
  expect(await isDoneSoon(discardBody(ended.message))).toBe(true);
  expect(await isDoneSoon(discardBody(incoming({}).message))).toBe(true);
});
