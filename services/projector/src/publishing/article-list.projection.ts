/** Articles as rows: for lists, their filters and their order. */
import {
  type ArticleListColumns,
  type ArticleListDoc,
  articleListView,
  foldTitle,
} from '@annals/contracts/publishing/docs';
import { type Column, defineProjection } from '@annals/platform/consumer/projection';
import { articleAggregates, articleKeys, evolveSummary } from './article.ts';

const columns: Record<keyof ArticleListColumns, Column<ArticleListDoc>> = {
  part: { type: 'text', of: partOf },
  author_id: { type: 'text', of: (article) => article.authorId },
  category_id: { type: 'text', of: (article) => article.categoryId },
  title_folded: { type: 'text', of: (article) => foldTitle(article.title) },
  tags: { type: 'text[]', of: (article) => article.tags },
  is_public: { type: 'boolean', of: (article) => article.isPublished && !article.isDeleted },
  is_deleted: { type: 'boolean', of: (article) => article.isDeleted },
  is_featured: { type: 'boolean', of: (article) => article.isFeatured },
  published_at: { type: 'timestamptz', of: (article) => article.publishedAt ?? '-infinity' },
  created_at: { type: 'timestamptz', of: (article) => article.createdAt },
  updated_at: { type: 'timestamptz', of: (article) => article.updatedAt },
  like_count: { type: 'integer', of: (article) => article.likeCount },
  comment_count: { type: 'integer', of: (article) => article.commentCount },
  external_id: { type: 'text', of: (article) => article.externalId },
};

export const articleList = defineProjection<ArticleListDoc>()({
  ...articleListView,
  store: 'rows',
  aggregates: articleAggregates,
  keys: articleKeys,
  evolve: evolveSummary,
  rows: {
    columns,
    indexes: [
      '(published_at, key) where is_public',
      '(published_at, key) where not is_deleted',
      '(published_at, key) where is_featured and not is_deleted',
      '(created_at, key) where not is_deleted',
      '(updated_at, key) where not is_deleted',
      '(title_folded collate "C", key) where not is_deleted',
      '(like_count, key) where not is_deleted',
      '(comment_count, key) where not is_deleted',
      '(author_id, published_at, key) where not is_deleted',
      '(author_id) where not is_public and not is_deleted',
      '(updated_at, key) where not is_public and not is_deleted',
      '(category_id, published_at, key) where not is_deleted and category_id is not null',
      '(author_id, updated_at, key) where is_deleted',
      '(external_id) where external_id is not null',
      // Whoever may see what is found by its text or its trend is told by this index alone.
      '(key) include (is_public, author_id) where not is_deleted',
      'using gin (tags)',
      'using gin (title_folded gin_trgm_ops)',
    ],
  },
});

/** The answer's JSON without author and category, and without the closing brace, so that a join only has to add to it. */
function partOf({ authorId: _, categoryId: __, isDeleted: ___, ...article }: ArticleListDoc): string {
  return JSON.stringify(article).slice(0, -1);
}
