/** Who likes what. */
import { type LikeColumns, type LikeDoc, likeKey, likesView } from '@annals/contracts/publishing/docs';
import { type LikeDomainEvent, like } from '@annals/contracts/publishing/like.events';
import { type Column, defineProjection } from '@annals/platform/consumer/projection';

const columns: Record<keyof LikeColumns, Column<LikeDoc>> = {
  article_id: { type: 'text', of: (doc) => doc.articleId },
  user_id: { type: 'text', of: (doc) => doc.userId },
  liked_at: { type: 'timestamptz', of: (doc) => doc.likedAt },
};

const keyOf = ({ data }: LikeDomainEvent) => likeKey(data.articleId, data.userId);

export const likes = defineProjection<LikeDoc>()({
  ...likesView,
  store: 'rows',
  aggregates: [like],
  keys: { ArticleLiked: keyOf, ArticleUnliked: keyOf },
  evolve: (_current, event) =>
    event.type === 'ArticleLiked' ? { ...event.data, likedAt: event.metadata.occurredAt } : null,
  rows: { columns, indexes: ['(article_id, liked_at, key)'] },
});
