import { expect, test } from 'vitest';
import { toRequests } from './requests.ts';

const last = { topic: 'checkpoints', messages: [{ key: 'checkpoint', value: 'p' }] };
const record = (key: string, topic: string, size = 10) => ({
  topic,
  key,
  value: 'x'.repeat(size),
  headers: {},
});
const shape = (requests: ReturnType<typeof toRequests>) =>
  requests.map((request) => request.map(({ topic, messages }) => [topic, messages.map(({ key }) => key)]));

test('records go out together, each topic in order, and the checkpoint with them', () => {
  const requests = toRequests([record('a', 'one'), record('b', 'two'), record('c', 'one')], last);
  expect(shape(requests)).toEqual([
    [
      ['one', ['a', 'c']],
      ['two', ['b']],
      ['checkpoints', ['checkpoint']],
    ],
  ]);
});

test('no request is larger than brokers take, and the checkpoint is in the last one', () => {
  const large = ['a', 'b', 'c'].map((key) => record(key, 'one', 500_000));
  expect(shape(toRequests(large, last))).toEqual([
    [['one', ['a']]],
    [['one', ['b']]],
    [
      ['one', ['c']],
      ['checkpoints', ['checkpoint']],
    ],
  ]);
});

test('nothing but a checkpoint is a request, too', () => {
  expect(shape(toRequests([], last))).toEqual([[['checkpoints', ['checkpoint']]]]);
});
