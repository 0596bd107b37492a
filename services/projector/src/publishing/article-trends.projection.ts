/** Where articles stand among what trends. */
import { type ArticleDomainEvent, article } from '@annals/contracts/publishing/article.events';
import { type LikeDomainEvent, like } from '@annals/contracts/publishing/like.events';
import {
  type ArticleTrendColumns,
  type ArticleTrendDoc,
  articleTrendsView,
  type TrendWindow,
  trendScore,
} from '@annals/contracts/publishing/trends';
import { type Column, defineProjection } from '@annals/platform/consumer/projection';
import { byArticle } from './article.ts';

type Event =
  | LikeDomainEvent
  | Extract<
      ArticleDomainEvent,
      {
        type:
          | 'ArticleCreated'
          | 'ArticlePublished'
          | 'ArticleUnpublished'
          | 'ArticleDeleted'
          | 'ArticleRestored';
      }
    >;

const score = (window: TrendWindow): Column<ArticleTrendDoc> => ({
  type: 'bigint',
  of: ({ publishedAt, isDeleted, likeCount }) =>
    publishedAt === null || isDeleted ? 0 : trendScore(window, publishedAt, likeCount),
});

const columns: Record<keyof ArticleTrendColumns, Column<ArticleTrendDoc>> = {
  is_public: { type: 'boolean', of: ({ publishedAt, isDeleted }) => publishedAt !== null && !isDeleted },
  published_at: { type: 'timestamptz', of: ({ publishedAt }) => publishedAt ?? '-infinity' },
  score_1d: score('1d'),
  score_7d: score('7d'),
  score_30d: score('30d'),
};

export const articleTrends = defineProjection<ArticleTrendDoc>()({
  ...articleTrendsView,
  store: 'rows',
  aggregates: [article, like],
  keys: {
    ArticleCreated: byArticle,
    ArticlePublished: byArticle,
    ArticleUnpublished: byArticle,
    ArticleDeleted: byArticle,
    ArticleRestored: byArticle,
    ArticleLiked: byArticle,
    ArticleUnliked: byArticle,
  },
  evolve,
  rows: {
    columns,
    // What is in a window is counted by the index alone.
    indexes: [
      '(score_1d, key) include (published_at) where is_public',
      '(score_7d, key) include (published_at) where is_public',
      '(score_30d, key) include (published_at) where is_public',
    ],
  },
});

function evolve(current: ArticleTrendDoc | null, event: Event): ArticleTrendDoc | null {
  if (event.type === 'ArticleCreated') return { publishedAt: null, isDeleted: false, likeCount: 0 };
  if (!current) return null;
  switch (event.type) {
    case 'ArticlePublished':
      return { ...current, publishedAt: event.data.publishedAt };
    case 'ArticleUnpublished':
      return { ...current, publishedAt: null };
    case 'ArticleDeleted':
      return { ...current, isDeleted: true };
    case 'ArticleRestored':
      return { ...current, isDeleted: false };
    case 'ArticleLiked':
      return { ...current, likeCount: current.likeCount + 1 };
    case 'ArticleUnliked':
      return { ...current, likeCount: Math.max(0, current.likeCount - 1) };
  }
}
