import type { Mistake } from '@annals/contracts/problems';
import { expect, it } from 'vitest';
import { readConventionHeaders } from './headers.ts';

function read(style: 'command' | 'query' | 'plain', headers: Record<string, string>) {
  const mistakes: Mistake[] = [];
  return { ...readConventionHeaders(style, headers, mistakes), mistakes };
}

it.each([
  ['"7"', 7],
  ['"7-Abc_d-e"', 7],
  ['W/"7"', 7],
  ['W/"7-abc"', 7],
  ['"0"', 0],
  ['*', null],
  ['"7-abc", "7"', 7],
])('If-Match %s means revision %s', (value, revision) => {
  expect(read('command', { 'if-match': value })).toMatchObject({ ifMatch: revision, mistakes: [] });
});

it.each(['7', '"x"', '""', '', '"-1"', '"7', '"1", "2"', '"7-"', '"99999999999"', '"7" "7"', '*, "7"'])(
  'If-Match %s is a mistake',
  (value) => {
    expect(read('command', { 'if-match': value }).mistakes).toMatchObject([{ header: 'If-Match' }]);
  },
);

it('takes Idempotency-Keys of 1 to 255 visible ASCII characters', () => {
  for (const key of ['a', 'x'.repeat(255), '!~']) {
    expect(read('command', { 'idempotency-key': key })).toMatchObject({ idempotencyKey: key, mistakes: [] });
  }
  for (const key of ['', 'x'.repeat(256), 'a b', 'ä', 'a, b', '\t']) {
    expect(read('command', { 'idempotency-key': key }).mistakes).toMatchObject([
      { header: 'Idempotency-Key' },
    ]);
  }
});

it('takes positions as they were answered', () => {
  const position = 'abcd0123.00000000000000ff';
  expect(read('query', { 'annals-min-position': position })).toMatchObject({
    minPosition: position,
    mistakes: [],
  });
  for (const value of ['', '12', 'abcd0123.xyz', `${position}, ${position}`]) {
    expect(read('query', { 'annals-min-position': value }).mistakes).toMatchObject([
      { header: 'Annals-Min-Position' },
    ]);
  }
});

it.each([
  [undefined, 2_000],
  ['wait=5', 5_000],
  ['Wait = "3"', 3_000],
  ['respond-async, wait=4; foo=bar', 4_000],
  ['wait=0', 0],
  ['wait=999', 10_000],
  ['wait=-1', 2_000],
  ['wait=abc', 2_000],
  ['wait=1, wait=9', 1_000],
  ['return=minimal', 2_000],
])('Prefer: %s waits %s ms', (prefer, milliseconds) => {
  expect(read('query', prefer === undefined ? {} : { prefer })).toMatchObject({
    waitMs: milliseconds,
    mistakes: [],
  });
});

it('reads If-None-Match as a list of tags, weak or not', () => {
  expect(read('query', { 'if-none-match': '"1-a", W/"2-b"' }).ifNoneMatch).toEqual(['"1-a"', '"2-b"']);
  expect(read('query', { 'if-none-match': '*' }).ifNoneMatch).toEqual(['*']);
  for (const value of ['abc', '"a', '', Array(21).fill('"a"').join(',')]) {
    expect(read('query', { 'if-none-match': value }).mistakes).toMatchObject([{ header: 'If-None-Match' }]);
  }
});

it('reads of each style only the headers that it honours', () => {
  const all = {
    'if-match': 'nonsense',
    'idempotency-key': ' ',
    'annals-min-position': 'nonsense',
    'if-none-match': 'nonsense',
    prefer: 'wait=9',
  };
  expect(read('plain', all)).toMatchObject({
    ifMatch: null,
    idempotencyKey: null,
    minPosition: null,
    mistakes: [],
  });
  expect(read('command', all).mistakes).toHaveLength(2);
  expect(read('query', all).mistakes).toHaveLength(2);
});
