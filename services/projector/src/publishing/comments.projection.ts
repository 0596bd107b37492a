/** Comments as rows. */
import { comment } from '@annals/contracts/publishing/comment.events';
import { type CommentColumns, type CommentDoc, commentsView } from '@annals/contracts/publishing/docs';
import { type Column, defineProjection } from '@annals/platform/consumer/projection';
import { toComment } from './comment.ts';

const columns: Record<keyof CommentColumns, Column<CommentDoc>> = {
  part: { type: 'text', of: ({ authorId: _, ...view }) => JSON.stringify(view).slice(0, -1) },
  article_id: { type: 'text', of: (doc) => doc.articleId },
  author_id: { type: 'text', of: (doc) => doc.authorId },
  parent_id: { type: 'text', of: (doc) => doc.parentId },
  created_at: { type: 'timestamptz', of: (doc) => doc.createdAt },
};

export const comments = defineProjection<CommentDoc>()({
  ...commentsView,
  store: 'rows',
  aggregates: [comment],
  keys: { CommentAdded: (event) => event.data.commentId },
  evolve: (_current, event) => toComment(event),
  rows: { columns, indexes: ['(article_id, created_at, key)', '(parent_id, created_at, key)'] },
});
