/** How many articles are published: all, by author, by tag, by category. */
import { type ArticleDomainEvent, article } from '@annals/contracts/publishing/article.events';
import {
  type ArticleCounterColumns,
  type ArticleCounterDoc,
  articleCountersView,
  counterKeys,
} from '@annals/contracts/publishing/docs';
import { type Column, defineProjection } from '@annals/platform/consumer/projection';
import { publicationChange } from './publication.ts';

type Publication = Extract<
  ArticleDomainEvent,
  { type: 'ArticlePublished' | 'ArticleUnpublished' | 'ArticleDeleted' | 'ArticleRestored' }
>;
type Update = Extract<ArticleDomainEvent, { type: 'ArticleUpdated' }>;

const byPublication = (event: Publication) =>
  publicationChange(event) === 0
    ? []
    : [counterKeys.all, counterKeys.author(event.data.authorId), ...placesOf(event.data)];

const columns: Record<keyof ArticleCounterColumns, Column<ArticleCounterDoc>> = {
  kind: { type: 'text', of: ({ kind }) => kind },
  name: { type: 'text', of: ({ name }) => name },
  count: { type: 'integer', of: ({ count }) => count },
};

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
      const { gained, lost } = moved(event);
      return [...gained, ...lost];
    },
  },
  evolve: (current, event, key) => {
    const count = (current?.count ?? 0) + changeOf(event, key);
    const [kind = '', ...name] = key.split(':');
    return count > 0 ? { kind, name: name.join(':'), count } : null;
  },
  rows: { columns, indexes: ['(kind, count, key)', '(kind, name collate "C", key)'] },
});

function changeOf(event: Publication | Update, key: string): number {
  if (event.type !== 'ArticleUpdated') return publicationChange(event);
  return moved(event).gained.includes(key) ? 1 : -1;
}

interface Places {
  readonly tags?: readonly string[] | undefined;
  readonly categoryId?: string | null | undefined;
}

/** The counters of an article's tags and category. */
function placesOf({ tags = [], categoryId }: Places): readonly string[] {
  return [...tags.map(counterKeys.tag), ...(categoryId ? [counterKeys.category(categoryId)] : [])];
}

/** The counters that gain or lose a published article by a change of its tags or category. */
function moved({ data }: Update): { gained: readonly string[]; lost: readonly string[] } {
  if (!data.isPublished) return { gained: [], lost: [] };
  const after = placesOf(data);
  const before = placesOf({ tags: data.previousTags, categoryId: data.previousCategoryId });
  return {
    gained: after.filter((key) => !before.includes(key)),
    lost: before.filter((key) => !after.includes(key)),
  };
}
