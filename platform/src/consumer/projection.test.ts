import { comment } from '@annals/contracts/publishing/comment.events';
import { like } from '@annals/contracts/publishing/like.events';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { defineProjection, type Projection, viewName } from './projection.ts';

interface Counts {
  readonly comments: number;
  readonly likes: number;
}

const counts = defineProjection<Counts>()({
  name: 'counts',
  version: 2,
  store: 'rows',
  aggregates: [comment, like],
  keys: {
    CommentAdded: (event) => {
      expectTypeOf(event.type).toEqualTypeOf<'CommentAdded'>();
      expectTypeOf(event.data.parentId).toEqualTypeOf<string | null>();
      return [event.data.articleId, event.data.authorId];
    },
    ArticleLiked: (event) => event.data.articleId,
  },
  evolve: (current, event) => {
    const state = current ?? { comments: 0, likes: 0 };
    expectTypeOf(event.type).toEqualTypeOf<'CommentAdded' | 'ArticleLiked'>();
    switch (event.type) {
      case 'CommentAdded':
        expectTypeOf(event.data.content).toEqualTypeOf<string>();
        return { ...state, comments: state.comments + 1 };
      case 'ArticleLiked':
        expectTypeOf(event.data.userId).toEqualTypeOf<string>();
        return { ...state, likes: state.likes + 1 };
    }
  },
  rows: { columns: { likes: { type: 'integer', of: (state) => state.likes } }, indexes: ['(likes)'] },
});

const all: readonly Projection[] = [counts];

describe('defineProjection', () => {
  test('handles exactly the events that have keys', () => {
    expect([...counts.handles].sort()).toEqual(['ArticleLiked', 'CommentAdded']);
    expect(all.map(viewName)).toEqual(['counts_v2']);
  });

  test('refuses a key handler for an event that its aggregates do not have', () => {
    defineProjection<Counts>()({
      name: 'counts',
      version: 1,
      store: 'rows',
      aggregates: [comment],
      // @ts-expect-error ArticleLiked is not an event of a comment
      keys: { ArticleLiked: () => 'x' },
      evolve: (current) => current,
    });
  });
});
