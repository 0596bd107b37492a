import { deciderSpec } from '@annals/testing/decider-spec';
import { test } from 'vitest';
import * as comment from './comment.ts';

const spec = deciderSpec(comment);
const fields = { commentId: 'comment', articleId: 'article', authorId: 'ada', content: 'Words' };

test('P10 a comment has no parent, a reply has one of the same article', () => {
  spec
    .given()
    .when((state) => comment.add(state, fields, null))
    .thenEvents({ type: 'CommentAdded', data: { ...fields, parentId: null } });
  const parent = { status: 'added', commentId: 'parent', articleId: 'article', isHidden: false } as const;
  spec
    .given()
    .when((state) => comment.add(state, fields, parent))
    .thenEvents({ type: 'CommentAdded', data: { ...fields, parentId: 'parent' } });
});

test.each([
  { status: 'none' },
  { status: 'added', commentId: 'parent', articleId: 'other', isHidden: false },
] as const)('P10 a reply to a comment that is not one of the article is refused', (parent) => {
  const mistake = {
    pointer: '/parentId',
    code: 'unknown-comment',
    message: 'is no comment of this article',
  };
  spec
    .given()
    .when((state) => comment.add(state, fields, parent))
    .thenRefused('validation-failed', [mistake]);
});

test('adding a comment twice is adding it once', () => {
  const added = { type: 'CommentAdded', data: { ...fields, parentId: null } } as const;
  spec
    .given(added)
    .when((state) => comment.add(state, fields, null))
    .thenNothing();
});

test('P10 a comment is hidden once, for the first reason', () => {
  const added = { type: 'CommentAdded', data: { ...fields, parentId: null } } as const;
  const hidden = {
    type: 'CommentHidden',
    data: { commentId: 'comment', articleId: 'article', reason: 'Off topic' },
  } as const;
  spec
    .given(added)
    .when((state) => comment.hide(state, 'Off topic'))
    .thenEvents(hidden);
  spec
    .given(added, hidden)
    .when((state) => comment.hide(state, 'Rude'))
    .thenNothing();
  spec
    .given()
    .when((state) => comment.hide(state, 'Rude'))
    .thenRefused('not-found');
});
