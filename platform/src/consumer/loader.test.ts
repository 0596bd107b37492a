import type { DomainEvent } from '@annals/contracts/kit/event';
import { like } from '@annals/contracts/publishing/like.events';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { createLoader, type Loader } from './loader.ts';
import { defineProjection } from './projection.ts';

const likes = defineProjection<{ count: number }>()({
  name: 'likes',
  version: 1,
  store: 'documents',
  aggregates: [like],
  keys: { ArticleLiked: ({ data }) => data.articleId },
  evolve: (current) => ({ count: (current?.count ?? 0) + 1 }),
});

function batch(...articles: readonly string[]): readonly DomainEvent[] {
  return articles.map((articleId, revision) => ({
    id: articleId,
    stream: 'like-x',
    revision,
    position: `p${revision}`,
    type: 'ArticleLiked',
    data: { articleId, userId: 'u' },
    metadata: {} as DomainEvent['metadata'],
  }));
}

let stored: Map<string, object>;
const query = vi.fn(async (keys: readonly string[]) => ({
  docs: new Map([...stored].filter(([key]) => keys.includes(key))),
  reached: new Map<string, string>(),
}));
const parked = new Set<string>();
let loader: Loader;
beforeEach(() => {
  stored = new Map(['a', 'b', 'c'].map((key) => [key, { count: 1 }]));
  query.mockClear();
  parked.clear();
  loader = createLoader(likes, parked, query);
});

const docsOf = async (events: readonly DomainEvent[]) => Object.fromEntries((await loader.load(events)).docs);

describe('documents loaded ahead', () => {
  test('are asked for once', async () => {
    const events = batch('a', 'b', 'a', 'new');
    loader.ahead(events);
    expect(await docsOf(events)).toEqual({ a: { count: 1 }, b: { count: 1 } });
    expect(query.mock.calls).toEqual([[['a', 'b', 'new']]]);
  });

  test('are those of the commit in between, not those before it', async () => {
    const events = batch('a', 'b', 'new');
    loader.ahead(events);
    const upserts = new Map<string, object>([
      ['a', { count: 2 }],
      ['new', { count: 1 }],
      ['other', { count: 9 }],
    ]);
    loader.written({ upserts, deletes: ['b'], parked: [], positions: new Map() });
    expect(await docsOf(events)).toEqual({ a: { count: 2 }, new: { count: 1 } });
  });

  test('are loaded again after a repair, which may have changed both documents and what is parked', async () => {
    const events = batch('a', 'b');
    parked.add('b');
    loader.ahead(events);
    expect(query).toHaveBeenCalledWith(['a']);
    stored.set('a', { count: 7 });
    parked.delete('b');
    loader.forget();
    expect(await docsOf(events)).toEqual({ a: { count: 7 }, b: { count: 1 } });
  });

  test('are not taken for those of another batch', async () => {
    loader.ahead(batch('a'));
    expect(await docsOf(batch('b'))).toEqual({ b: { count: 1 } });
  });

  test('fail where they are wanted', async () => {
    const events = batch('a');
    query.mockRejectedValueOnce(new Error('reset'));
    loader.ahead(events);
    await expect(loader.load(events)).rejects.toThrow('reset');
    loader.ahead(batch(''));
    expect(await docsOf(batch('a'))).toEqual({ a: { count: 1 } });
  });
});
