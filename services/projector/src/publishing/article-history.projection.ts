/** What every change of an article set: its history, and what it was as of any revision. */
import { type ArticleDomainEvent, article } from '@annals/contracts/publishing/article.events';
import {
  type ArticleHistoryColumns,
  type ArticleHistoryDoc,
  articleHistoryView,
  type HistoryFields,
  historyKey,
} from '@annals/contracts/publishing/docs';
import { type Column, defineProjection } from '@annals/platform/consumer/projection';
import { contentFields, settings } from './article.ts';

const keyOf = (event: ArticleDomainEvent) => historyKey(event.data.articleId, event.revision);

const columns: Record<keyof ArticleHistoryColumns, Column<ArticleHistoryDoc>> = {
  article_id: { type: 'text', of: (doc) => doc.articleId },
  revision: { type: 'integer', of: (doc) => doc.revision },
  at: { type: 'timestamptz', of: (doc) => doc.at },
  fields: { type: 'text[]', of: (doc) => Object.keys(doc.set) },
  changed_by: { type: 'text', of: (doc) => (doc.type === 'ArticleCreated' ? null : doc.by) },
};

export const articleHistory = defineProjection<ArticleHistoryDoc>()({
  ...articleHistoryView,
  store: 'rows',
  aggregates: [article],
  keys: {
    ArticleCreated: keyOf,
    ArticleUpdated: keyOf,
    ArticlePublished: keyOf,
    ArticleUnpublished: keyOf,
    ArticleScheduled: keyOf,
    ArticleUnscheduled: keyOf,
    ArticleFeatured: keyOf,
    ArticleUnfeatured: keyOf,
    ArticleDeleted: keyOf,
    ArticleRestored: keyOf,
  },
  evolve: (_current, event) => ({
    articleId: event.data.articleId,
    revision: event.revision,
    type: event.type,
    at: event.metadata.occurredAt,
    by: event.metadata.actor.kind === 'user' ? event.metadata.actor.id : null,
    set: fieldsOf(event),
  }),
  rows: { columns, indexes: ['(article_id, revision)'] },
});

function fieldsOf(event: ArticleDomainEvent): Partial<HistoryFields> {
  switch (event.type) {
    case 'ArticleCreated':
    case 'ArticleUpdated': {
      const { title, slug, content, tags, categoryId } = event.data;
      return {
        ...(title === undefined ? {} : { title }),
        ...(slug === undefined ? {} : { slug }),
        ...(content === undefined ? {} : { content, ...contentFields(content) }),
        ...(tags === undefined ? {} : { tags }),
        ...(categoryId === undefined ? {} : { categoryId }),
      };
    }
    case 'ArticlePublished':
      return { ...settings[event.type], publishedAt: event.data.publishedAt };
    case 'ArticleScheduled':
      return { publishAt: event.data.publishAt };
    default:
      return settings[event.type];
  }
}
