/** The words of all titles that ever were, those of drafts as well: what a misspelt word of a search may have meant. */
import { article } from '@annals/contracts/publishing/article.events';
import { foldTitle, type TitleWordDoc, titleWordsView } from '@annals/contracts/publishing/docs';
import { defineProjection } from '@annals/platform/consumer/projection';

/** Letters of a word: what is shorter is not told apart by its letters, what is longer is no word. */
const WORD = /(?<![\p{L}\p{N}])[\p{L}\p{N}]{3,50}(?![\p{L}\p{N}])/gu;

const known: TitleWordDoc = {};

const wordsOf = (title: string): readonly string[] => foldTitle(title).match(WORD) ?? [];

export const titleWords = defineProjection<TitleWordDoc>()({
  ...titleWordsView,
  store: 'rows',
  aggregates: [article],
  keys: {
    ArticleCreated: ({ data }) => wordsOf(data.title),
    ArticleUpdated: ({ data }) => wordsOf(data.title ?? ''),
  },
  evolve: (current) => current ?? known,
  rows: { columns: {}, indexes: ['using gin (key gin_trgm_ops)'] },
});
