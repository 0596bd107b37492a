import { randomUUID } from 'node:crypto';
import { comment } from '@annals/contracts/publishing/comment.events';
import { like } from '@annals/contracts/publishing/like.events';
import { defineProjection } from '@annals/platform/consumer/projection';
import { describe, expect, it } from 'vitest';
import { domainEvents, projectionSpec } from './projection-spec.ts';

interface Likes {
  readonly users: readonly string[];
  readonly at?: string | undefined;
}

const likes = defineProjection<Likes>()({
  name: 'spec_likes',
  version: 1,
  store: 'rows',
  aggregates: [like],
  keys: { ArticleLiked: ({ data }) => data.articleId, ArticleUnliked: ({ data }) => data.articleId },
  evolve: (current, event) => {
    const others = (current?.users ?? []).filter((user) => user !== event.data.userId);
    if (event.type === 'ArticleLiked') return { users: [...others, event.data.userId], at: undefined };
    return others.length === 0 ? null : { users: others };
  },
  rows: { columns: { like_count: { type: 'integer', of: (state) => state.users.length } }, indexes: [] },
});

const spec = projectionSpec(likes);
const [articleId, ada, grace] = [randomUUID(), randomUUID(), randomUUID()];
const liked = (userId: string) => ({ type: 'ArticleLiked', data: { articleId, userId } });
const unliked = (userId: string) => ({ type: 'ArticleUnliked', data: { articleId, userId } });

describe('projectionSpec', () => {
  it('passes for the right documents, fields, keys and columns', () => {
    const projected = spec.given(liked(ada), liked(grace), unliked(ada));
    projected.thenDocument(articleId, { users: [grace] });
    projected.thenFields(articleId, { users: [grace] });
    projected.thenKeys(articleId);
    projected.thenColumns(articleId, { like_count: 1 });
    spec.given(liked(ada), unliked(ada)).thenKeys();
  });

  it('fails for anything else', () => {
    const projected = spec.given(liked(ada));
    expect(() => projected.thenDocument(articleId, { users: [] })).toThrow();
    expect(() => projected.thenDocument(ada, { users: [ada] })).toThrow();
    expect(() => projected.thenFields(articleId, { users: [grace] })).toThrow();
    expect(() => projected.thenKeys()).toThrow();
    expect(() => projected.thenKeys(articleId, ada)).toThrow();
    expect(() => projected.thenColumns(articleId, { like_count: 2 })).toThrow();
    expect(() => projected.thenColumns(articleId, { absent: 2 })).toThrow();
  });

  it('refuses events that the catalogue refuses, and those that the projection does not handle', () => {
    expect(() => spec.given({ type: 'ArticleLiked', data: { articleId } })).toThrow('userId');
    expect(() => spec.given({ type: 'ArticleLiked', data: { articleId, userId: ada, extra: 1 } })).toThrow(
      'extra',
    );
    expect(() => spec.given({ type: 'Unheard', data: {} })).toThrow('catalogue');
    const data = { commentId: randomUUID(), articleId, authorId: ada, parentId: null, content: 'hi' };
    expect(() => spec.given({ type: 'CommentAdded', data })).toThrow('does not handle');
  });

  it('fails where a fold changes the document that it was given', () => {
    const mutating = projectionSpec({
      ...likes,
      evolve: (current) => Object.assign(current ?? { users: [] }, { users: [] }),
    });
    expect(() => mutating.given(liked(ada), liked(grace))).toThrow(TypeError);
  });
});

describe('domainEvents', () => {
  it('numbers revisions per stream, and positions and times in order', () => {
    const commentId = randomUUID();
    const data = { commentId, articleId, authorId: ada, parentId: null, content: 'hi' };
    const events = domainEvents(liked(ada), { type: 'CommentAdded', data }, unliked(ada));
    expect(events.map(({ stream, revision }) => [stream, revision])).toEqual([
      ['like-spec', 0],
      [`${comment.category}-${commentId}`, 0],
      ['like-spec', 1],
    ]);
    const inOrder = (values: string[]) => expect(values).toEqual([...new Set(values)].sort());
    inOrder(events.map(({ position }) => position));
    inOrder(events.map(({ metadata }) => metadata.occurredAt));
  });
});
