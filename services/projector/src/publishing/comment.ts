/** A comment as views keep it. */
import type { CommentDomainEvent } from '@annals/contracts/publishing/comment.events';
import type { CommentDoc } from '@annals/contracts/publishing/docs';

export function toComment({ data, metadata }: CommentDomainEvent): CommentDoc {
  return {
    id: data.commentId,
    articleId: data.articleId,
    parentId: data.parentId,
    content: data.content,
    createdAt: metadata.occurredAt,
    isHidden: false,
    authorId: data.authorId,
  };
}
