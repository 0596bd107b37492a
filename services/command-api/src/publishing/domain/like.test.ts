import { deciderSpec } from '@annals/testing/decider-spec';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as like from './like.ts';

const spec = deciderSpec(like);
const subject = { articleId: 'article', userId: 'ada' };
const liked = { type: 'ArticleLiked', data: subject } as const;
const unliked = { type: 'ArticleUnliked', data: subject } as const;

test('P9 liking twice is liking once, and a like can be taken back once', () => {
  spec
    .given()
    .when((state) => like.like(state, subject))
    .thenEvents(liked);
  spec
    .given(liked)
    .when((state) => like.like(state, subject))
    .thenNothing();
  spec
    .given(liked)
    .when((state) => like.unlike(state, subject))
    .thenEvents(unliked);
  spec
    .given(liked, unliked)
    .when((state) => like.unlike(state, subject))
    .thenNothing();
});

test('P9 likes less dislikes are 0 or 1, whatever a reader does', () => {
  const act = ({ state, count }: { state: like.LikeState; count: number }, wish: boolean) => {
    const events = wish ? like.like(state, subject) : like.unlike(state, subject);
    const change = events.reduce((sum, { type }) => sum + (type === 'ArticleLiked' ? 1 : -1), 0);
    expect(count + change).toBe(wish ? 1 : 0);
    return { state: events.reduce(like.evolve, state), count: count + change };
  };
  fc.assert(
    fc.property(
      fc.array(fc.boolean()),
      (wishes) => void wishes.reduce(act, { state: like.initial, count: 0 }),
    ),
  );
});
