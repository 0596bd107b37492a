/** The text that a search looks through: of an article's events only those that say its title or content. */
import { article } from '@annals/contracts/publishing/article.events';
import { type ArticleSearchDoc, articleSearchView } from '@annals/contracts/publishing/docs';
import { defineProjection } from '@annals/platform/consumer/projection';
import { TEXT_CONFIGURATION } from '../view-migrations.ts';
import { headOf, htmlToText } from './html-text.ts';

/** A text-search vector holds 1 MiB; words and their positions take up to five times their text. */
const SEARCHED_BYTES = 200_000;

/** Titles are one line, so the first line feed parts title and text. */
const vector = `
  setweight(to_tsvector('${TEXT_CONFIGURATION}', split_part($value, E'\\n', 1)), 'A') ||
  setweight(to_tsvector('${TEXT_CONFIGURATION}', split_part($value, E'\\n', 2)), 'D')`;

export const articleSearch = defineProjection<ArticleSearchDoc>()({
  ...articleSearchView,
  store: 'rows',
  aggregates: [article],
  keys: {
    ArticleCreated: (event) => event.data.articleId,
    ArticleUpdated: ({ data }) =>
      data.title === undefined && data.content === undefined ? [] : data.articleId,
  },
  evolve: (current, { type, data }) => {
    if (type === 'ArticleUpdated' && !current) return null;
    const text =
      data.content === undefined ? current?.text : headOf(htmlToText(data.content), SEARCHED_BYTES);
    return { title: (data.title ?? current?.title ?? '').replaceAll('\n', ' '), text: text ?? '' };
  },
  rows: {
    columns: {
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
