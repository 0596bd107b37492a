/** Comments as rows. */
import { comment } from '@annals/contracts/publishing/comment.events';
import {
  type CommentColumns,
  type CommentDoc,
  commentsView,
  publicComment,
  wholeComment,
} from '@annals/contracts/publishing/docs';
import { type Column, defineProjection } from '@annals/platform/consumer/projection';
import { hideComment, toComment } from './comment.ts';

const columns: Record<keyof CommentColumns, Column<CommentDoc>> = {
  part: { type: 'text', of: (doc) => partOf(publicComment(doc)) },
  whole: { type: 'text', of: (doc) => (doc.hidden === null ? null : partOf(wholeComment(doc))) },
  article_id: { type: 'text', of: (doc) => doc.articleId },
  author_id: { type: 'text', of: (doc) => doc.authorId },
  parent_id: { type: 'text', of: (doc) => doc.parentId },
  created_at: { type: 'timestamptz', of: (doc) => doc.createdAt },
};

export const comments = defineProjection<CommentDoc>()({
  ...commentsView,
  store: 'rows',
  aggregates: [comment],
  keys: { CommentAdded: (event) => event.data.commentId, CommentHidden: (event) => event.data.commentId },
  evolve: (current, event) =>
    event.type === 'CommentAdded' ? toComment(event) : current && hideComment(current, event),
  rows: { columns, indexes: ['(article_id, created_at, key)', '(parent_id, created_at, key)'] },
});

function partOf(view: object): string {
  return JSON.stringify(view).slice(0, -1);
}
