import { expect, test } from 'vitest';
import { errorCode, isTransient } from './errors.ts';
import { fingerprint } from './fingerprint.ts';
import type { Projection } from './projection.ts';
import { type ReactionConsumer, TemporarilyUnavailable } from './reaction.ts';

test('what a reaction says is away for now is tried again', () => {
  expect(isTransient(new TemporarilyUnavailable('command-api is away'))).toBe(true);
  expect(isTransient(new Error('a bug'))).toBe(false);
});

test('of an error its code or its class is kept, never its message', () => {
  expect(errorCode(Object.assign(new Error('secret'), { code: '23505' }))).toBe('23505');
  expect(errorCode(new TypeError('secret'))).toBe('TypeError');
});

const openEnded: Projection = {
  kind: 'projection',
  name: 'open',
  version: 1,
  store: 'rows',
  handles: new Set(),
  isOpenEnded: true,
  keys: () => [],
  evolve: () => null,
};

test('an open-ended consumer keeps its fingerprint when the catalogue grows; others change theirs', () => {
  const reaction = (handles: string[], isOpenEnded: boolean): ReactionConsumer => ({
    kind: 'reaction',
    name: 'sample',
    version: 1,
    handles: new Set(handles),
    isOpenEnded,
    handle: async () => async () => {},
  });
  expect(fingerprint(reaction(['A'], true))).toBe(fingerprint(reaction(['A', 'B'], true)));
  const projection = (handles: string[]): Projection => ({ ...openEnded, handles: new Set(handles) });
  expect(fingerprint(projection(['A']))).toBe(fingerprint(projection(['A', 'B'])));
  expect(fingerprint(reaction(['A'], false))).not.toBe(fingerprint(reaction(['A', 'B'], false)));
});

test('a projection whose documents get or lose a column of their own changes its fingerprint', () => {
  const documents: Projection = { ...openEnded, store: 'documents' };
  const shapes = [
    documents,
    { ...documents, lookups: ['slug'] },
    { ...documents, references: ['people'] },
    { ...documents, lookups: ['slug'], references: ['people'] },
  ];
  expect(new Set(shapes.map(fingerprint)).size).toBe(4);
});
