/** How many articles are published: all, by author, by tag. */
import { type ArticleDomainEvent, article } from '@annals/contracts/publishing/article.events';
import { type ArticleCounterDoc, articleCountersView, counterKeys } from '@annals/contracts/publishing/docs';
import { defineProjection } from '@annals/platform/consumer/projection';
import { publicationChange } from './publication.ts';

type Publication = Exclude<ArticleDomainEvent, { type: 'ArticleCreated' | 'ArticleUpdated' }>;
type Update = Extract<ArticleDomainEvent, { type: 'ArticleUpdated' }>;

const byPublication = (event: Publication) =>
  publicationChange(event) === 0
    ? []
    : [counterKeys.all, counterKeys.author(event.data.authorId), ...event.data.tags.map(counterKeys.tag)];

export const articleCounters = defineProjection<ArticleCounterDoc>()({
  ...articleCountersView,
  store: 'rows',
  aggregates: [article],
  keys: {
    ArticlePublished: byPublication,
    ArticleUnpublished: byPublication,
    ArticleDeleted: byPublication,
    ArticleRestored: byPublication,
    ArticleUpdated: (event) => {
      const { gained, lost } = retagged(event);
      return [...gained, ...lost].map(counterKeys.tag);
    },
  },
  evolve: (current, event, key) => {
    const count = (current?.count ?? 0) + changeOf(event, key);
    return count > 0 ? { count } : null;
  },
  rows: { columns: { count: { type: 'integer', of: ({ count }) => count } }, indexes: [] },
});

function changeOf(event: Publication | Update, key: string): number {
  if (event.type !== 'ArticleUpdated') return publicationChange(event);
  return retagged(event).gained.some((tag) => counterKeys.tag(tag) === key) ? 1 : -1;
}

/** The tags that a published article got and gave up. */
function retagged({ data }: Update): { gained: readonly string[]; lost: readonly string[] } {
  if (!data.isPublished || data.tags === undefined) return { gained: [], lost: [] };
  const { tags: after, previousTags: before = [] } = data;
  return {
    gained: after.filter((tag) => !before.includes(tag)),
    lost: before.filter((tag) => !after.includes(tag)),
  };
}
