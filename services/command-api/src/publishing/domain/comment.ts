/** A comment on an article, or a reply to another comment of the same article; moderators may hide it [P10]. Pure. */
import { Problem } from '@annals/contracts/problems';
import type { CommentEvent } from '@annals/contracts/publishing/comment.events';

export type CommentState =
  | { readonly status: 'none' }
  | {
      readonly status: 'added';
      readonly commentId: string;
      readonly articleId: string;
      readonly isHidden: boolean;
    };

export const initial: CommentState = { status: 'none' };

/** Folds one event. Total. */
export function evolve(state: CommentState, event: CommentEvent): CommentState {
  switch (event.type) {
    case 'CommentAdded': {
      const { commentId, articleId } = event.data;
      return { status: 'added', commentId, articleId, isHidden: false };
    }
    case 'CommentHidden':
      return state.status === 'added' ? { ...state, isHidden: true } : state;
    default:
      return event satisfies never;
  }
}

export interface NewComment {
  readonly commentId: string;
  readonly articleId: string;
  readonly authorId: string;
  readonly content: string;
}

/** Adds a comment, as a reply where there is a `parent`; adding it twice is adding it once. */
export function add(state: CommentState, comment: NewComment, parent: CommentState | null): CommentEvent[] {
  if (state.status === 'added') return [];
  if (parent && (parent.status === 'none' || parent.articleId !== comment.articleId)) {
    throw new Problem('validation-failed', 'The comment to reply to is not one of this article.', {
      mistakes: [{ pointer: '/parentId', code: 'unknown-comment', message: 'is no comment of this article' }],
    });
  }
  const parentId = parent?.status === 'added' ? parent.commentId : null;
  return [{ type: 'CommentAdded', data: { ...comment, parentId } }];
}

/** Hides a comment; hiding it twice is hiding it once, for the first reason. */
export function hide(state: CommentState, reason: string): CommentEvent[] {
  if (state.status === 'none') throw new Problem('not-found', 'There is no such comment.');
  const { commentId, articleId, isHidden } = state;
  return isHidden ? [] : [{ type: 'CommentHidden', data: { commentId, articleId, reason } }];
}
