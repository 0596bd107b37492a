/** A comment on an article, or a reply to another comment of the same article [P10]. Pure. */
import { Problem } from '@annals/contracts/problems';
import type { CommentEvent } from '@annals/contracts/publishing/comment.events';

export type CommentState =
  | { readonly status: 'none' }
  | { readonly status: 'added'; readonly commentId: string; readonly articleId: string };

export const initial: CommentState = { status: 'none' };

/** Folds one event. Total. */
export function evolve(_state: CommentState, event: CommentEvent): CommentState {
  switch (event.type) {
    case 'CommentAdded':
      return { status: 'added', commentId: event.data.commentId, articleId: event.data.articleId };
    default:
      return event.type satisfies never;
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
