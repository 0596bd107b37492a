/**
 * The text that a search looks through, and who may find it: of an article's events only those that say its title or
 * content, or make it public or hide it.
 */
import type { DomainEventOf } from '@annals/contracts/kit/event';
import { article } from '@annals/contracts/publishing/article.events';
import {
  type ArticleSearchDoc,
  type ArticleStanding,
  articleSearchView,
} from '@annals/contracts/publishing/docs';
import { type Column, defineProjection } from '@annals/platform/consumer/projection';
import { TEXT_CONFIGURATION } from '../view-migrations.ts';
import { byArticle } from './article.ts';
import { headOf, htmlToText } from './html-text.ts';

/** A text-search vector holds 1 MiB; words and their positions take up to five times their text. */
const SEARCHED_BYTES = 200_000;

/** Titles are one line, so the first line feed parts title and text. */
const vector = `
  setweight(to_tsvector('${TEXT_CONFIGURATION}', split_part($value, E'\\n', 1)), 'A') ||
  setweight(to_tsvector('${TEXT_CONFIGURATION}', split_part($value, E'\\n', 2)), 'D')`;

type Created = Extract<DomainEventOf<typeof article>, { type: 'ArticleCreated' }>;
type Updated = Extract<DomainEventOf<typeof article>, { type: 'ArticleUpdated' }>;

/** Found without a look at the list of articles, which would cost a broad search most of its time. */
const standing: Record<keyof ArticleStanding, Column<ArticleSearchDoc>> = {
  author_id: { type: 'text', of: ({ authorId }) => authorId },
  is_public: { type: 'boolean', of: ({ isPublished, isDeleted }) => isPublished && !isDeleted },
  is_deleted: { type: 'boolean', of: ({ isDeleted }) => isDeleted },
};

export const articleSearch = defineProjection<ArticleSearchDoc>()({
  ...articleSearchView,
  store: 'rows',
  aggregates: [article],
  keys: {
    ArticleCreated: byArticle,
    ArticleUpdated: ({ data }) =>
      data.title === undefined && data.content === undefined ? [] : data.articleId,
    ArticlePublished: byArticle,
    ArticleUnpublished: byArticle,
    ArticleDeleted: byArticle,
    ArticleRestored: byArticle,
  },
  evolve: (current, event) => {
    if (event.type === 'ArticleCreated') return created(event);
    if (!current) return null;
    switch (event.type) {
      case 'ArticleUpdated':
        return { ...current, ...textOf(event, current) };
      case 'ArticlePublished':
        return { ...current, isPublished: true };
      case 'ArticleUnpublished':
        return { ...current, isPublished: false };
      case 'ArticleDeleted':
        return { ...current, isDeleted: true };
      case 'ArticleRestored':
        return { ...current, isDeleted: false, isPublished: event.data.isPublished };
    }
  },
  rows: {
    columns: {
      ...standing,
      document: { type: 'tsvector', of: ({ title, text }) => `${title}\n${text}`, sql: vector },
      // Small enough to stand beside the key, so that titles can be told from contents at little cost.
      title: {
        type: 'tsvector',
        of: ({ title }) => title,
        sql: `to_tsvector('${TEXT_CONFIGURATION}', $value)`,
      },
    },
    indexes: ['using gin (document)'],
  },
});

function created(event: Created): ArticleSearchDoc {
  const { authorId } = event.data;
  return { ...textOf(event, { title: '', text: '' }), authorId, isPublished: false, isDeleted: false };
}

function textOf(
  { data: { title, content } }: Created | Updated,
  before: Pick<ArticleSearchDoc, 'title' | 'text'>,
): Pick<ArticleSearchDoc, 'title' | 'text'> {
  return {
    title: title === undefined ? before.title : title.replaceAll('\n', ' '),
    text: content === undefined ? before.text : headOf(htmlToText(content), SEARCHED_BYTES),
  };
}
