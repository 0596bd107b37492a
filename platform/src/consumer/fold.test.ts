import type { DomainEvent } from '@annals/contracts/kit/event';
import { like } from '@annals/contracts/publishing/like.events';
import { describe, expect, test } from 'vitest';
import { fold, keysOf, keysToLoad } from './fold.ts';
import { defineProjection } from './projection.ts';

const NONE: ReadonlySet<string> = new Set();

interface Tally {
  readonly likes: number;
}

const tally = defineProjection<Tally>()({
  name: 'tally',
  version: 1,
  store: 'documents',
  aggregates: [like],
  keys: {
    ArticleLiked: ({ data }) => [data.articleId, data.userId],
    ArticleUnliked: ({ data }) => data.articleId,
  },
  evolve: (current, { type }) => {
    const likes = (current?.likes ?? 0) + (type === 'ArticleLiked' ? 1 : -1);
    if (likes < 0) throw new RangeError('negative');
    return likes === 0 ? null : { likes };
  },
});

function events(
  ...some: readonly (readonly [type: string, articleId: string, userId: string])[]
): DomainEvent[] {
  return some.map(([type, articleId, userId], revision) => ({
    id: `id-${revision}`,
    stream: 'like-x',
    revision,
    position: `p${revision}`,
    type,
    data: { articleId, userId },
    metadata: {} as DomainEvent['metadata'],
  }));
}

function folded(
  batch: DomainEvent[],
  docs: Record<string, Tally> = {},
  parked = NONE,
  refused: Record<string, string> = {},
  reached: Record<string, string> = {},
) {
  const keys = keysOf(tally, batch);
  const result = fold(tally, {
    events: batch,
    keys,
    docs: new Map(Object.entries(docs)),
    reached: new Map(Object.entries(reached)),
    parked,
    refused: new Map(Object.entries(refused)),
  });
  return {
    upserts: Object.fromEntries(result.upserts),
    deletes: result.deletes,
    parked: result.parked.map(({ key, revision, error }) => [key, revision, error]),
  };
}

describe('a fold', () => {
  test('writes each document once, and deletes only what was there', () => {
    const batch = events(
      ['ArticleLiked', 'a', 'u'],
      ['ArticleLiked', 'a', 'u'],
      ['ArticleUnliked', 'b', 'u'],
      ['ArticleLiked', 'c', 'u'],
      ['ArticleUnliked', 'c', 'u'],
    );
    expect(folded(batch, { b: { likes: 1 } })).toEqual({
      upserts: { a: { likes: 2 }, u: { likes: 3 } },
      deletes: ['b'],
      parked: [],
    });
  });

  test('applies an event once to a key that it names twice', () => {
    expect(folded(events(['ArticleLiked', 'same', 'same'])).upserts).toEqual({ same: { likes: 1 } });
  });

  test('writes nothing where a document ends as it was', () => {
    const before = { likes: 1 };
    const batch = events(['ArticleUnliked', 'a', 'u'], ['ArticleUnliked', 'a', 'u']);
    expect(folded(batch, { a: before })).toEqual({
      upserts: {},
      deletes: ['a'],
      parked: [['a', 1, 'RangeError']],
    });
    expect(folded(events(['ArticleUnliked', 'a', 'u']))).toEqual({
      upserts: {},
      deletes: [],
      parked: [['a', 0, 'RangeError']],
    });
  });

  test('keeps what a document was before its poisoned event, and queues all later ones of that key alone', () => {
    const batch = events(
      ['ArticleLiked', 'a', 'u'],
      ['ArticleUnliked', 'u', ''],
      ['ArticleUnliked', 'u', ''],
      ['ArticleLiked', 'a', 'u'],
    );
    expect(folded(batch)).toEqual({
      upserts: { a: { likes: 2 } },
      deletes: [],
      parked: [
        ['u', 2, 'RangeError'],
        ['u', 3, null],
      ],
    });
  });

  test('queues what concerns a parked key and does not load it', () => {
    const batch = events(['ArticleLiked', 'a', 'u']);
    const parked = new Set(['a']);
    expect(keysToLoad(tally, { events: batch, keys: keysOf(tally, batch) }, parked)).toEqual(['u']);
    expect(folded(batch, {}, parked)).toEqual({
      upserts: { u: { likes: 1 } },
      deletes: [],
      parked: [['a', 0, null]],
    });
  });

  test('blanks a document at once that has a queue, and keeps the place of what erases it', () => {
    const erasing = { ...tally, erasers: new Set(['ArticleUnliked']) };
    const batch = events(['ArticleLiked', 'a', 'u'], ['ArticleUnliked', 'a', '']);
    const parked = new Set(['a']);
    const keys = keysOf(erasing, batch);
    expect(keysToLoad(erasing, { events: batch, keys }, parked)).toEqual(['u', 'a']);
    const docs = new Map([['a', { likes: 3 }]]);
    const fields = { events: batch, keys, docs, parked };
    const reached = new Map([['a', 'p-5']]);
    const blanked = fold(erasing, { ...fields, reached, refused: new Map() });
    expect(blanked.upserts.get('a')).toEqual({ likes: 2 });
    // What is queued is still to be folded: of a retry nothing is passed over.
    const position = blanked.positions.get('a') ?? '';
    expect(['p-5' < position, position < 'p-6']).toEqual([true, true]);
    expect(blanked.parked.map(({ key, revision }) => [key, revision])).toEqual([
      ['a', 0],
      ['a', 1],
    ]);
    const refused = fold(erasing, { ...fields, reached, refused: new Map([['a', 'too large']]) });
    expect([refused.upserts.has('a'), refused.deletes]).toEqual([false, ['a']]);
  });

  test('keeps nothing of a document whose erasure itself is refused, or throws', () => {
    const erasing = { ...tally, erasers: new Set(['ArticleUnliked']) };
    const batch = events(['ArticleUnliked', 'a', '']);
    const fields = { events: batch, keys: keysOf(erasing, batch), reached: new Map(), parked: NONE };
    for (const [likes, refused, error] of [
      [2, new Map([['a', 'too large']]), 'too large'],
      [0, new Map<string, string>(), 'RangeError'],
    ] as const) {
      const erased = fold(erasing, { ...fields, docs: new Map([['a', { likes }]]), refused });
      expect([erased.upserts.size, erased.deletes]).toEqual([0, ['a']]);
      expect(erased.parked).toMatchObject([{ key: 'a', revision: 0, error }]);
    }
  });

  test('parks a key that the store refused from its first event of the batch on', () => {
    const batch = events(['ArticleLiked', 'a', 'u'], ['ArticleLiked', 'a', 'u']);
    expect(folded(batch, {}, NONE, { a: '22003' }).parked).toEqual([
      ['a', 0, '22003'],
      ['a', 1, null],
    ]);
  });

  test('refuses an empty key', () => {
    expect(() => keysOf(tally, events(['ArticleUnliked', '', '']))).toThrow('empty key');
  });
});
