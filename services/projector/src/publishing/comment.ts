/** The fold of a comment, shared by its row and by the newest ones of an article's document. */
import type { CommentDomainEvent } from '@annals/contracts/publishing/comment.events';
import type { CommentDoc } from '@annals/contracts/publishing/docs';

type Added = Extract<CommentDomainEvent, { type: 'CommentAdded' }>;
type Hidden = Extract<CommentDomainEvent, { type: 'CommentHidden' }>;

export function toComment({ data, metadata, revision }: Added): CommentDoc {
  return {
    id: data.commentId,
    articleId: data.articleId,
    parentId: data.parentId,
    content: data.content,
    createdAt: metadata.occurredAt,
    isHidden: false,
    authorId: data.authorId,
    hidden: null,
    revision,
  };
}

export function hideComment(comment: CommentDoc, { data, metadata, revision }: Hidden): CommentDoc {
  const by = metadata.actor.kind === 'user' ? metadata.actor.id : null;
  const hidden = { reason: data.reason, at: metadata.occurredAt, by };
  return { ...comment, isHidden: true, hidden, revision };
}
