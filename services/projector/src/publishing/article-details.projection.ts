/** Articles as documents: all that one screen shows at once, people as ids. */
import {
  type ArticleDetailsDoc,
  articleDetailsView,
  type CommentDoc,
  NEWEST_COMMENTS,
} from '@annals/contracts/publishing/docs';
import { defineProjection } from '@annals/platform/consumer/projection';
import { type ArticleFoldEvent, articleAggregates, articleKeys, evolveSummary } from './article.ts';
import { hideComment, toComment } from './comment.ts';

export const articleDetails = defineProjection<ArticleDetailsDoc>()({
  ...articleDetailsView,
  aggregates: articleAggregates,
  keys: articleKeys,
  evolve: (current, event, id) => {
    const summary = evolveSummary(current?.summary ?? null, event);
    if (!summary) return null;
    const comments = commentsOf(event, current?.comments ?? []);
    return {
      id,
      activeSlug: summary.isDeleted ? null : summary.slug,
      summary,
      content: contentOf(event) ?? current?.content ?? '',
      comments,
      people: [...new Set([summary.authorId, ...comments.map(({ authorId }) => authorId)])],
    };
  },
  lookups: ['activeSlug'],
  references: ['people'],
});

function contentOf(event: ArticleFoldEvent): string | undefined {
  return event.type === 'ArticleCreated' || event.type === 'ArticleUpdated' ? event.data.content : undefined;
}

function commentsOf(event: ArticleFoldEvent, current: readonly CommentDoc[]): readonly CommentDoc[] {
  switch (event.type) {
    case 'CommentAdded':
      return [toComment(event), ...current].slice(0, NEWEST_COMMENTS);
    case 'CommentHidden':
      return current.map((one) => (one.id === event.data.commentId ? hideComment(one, event) : one));
    default:
      return current;
  }
}
