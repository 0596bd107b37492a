/** The words of all titles that ever were, those of drafts as well: what a misspelt word of a search may have meant. */
import { article } from '@annals/contracts/publishing/article.events';
import {
  foldTitle,
  LONGEST_TITLE_WORD,
  type TitleWordDoc,
  titleWordsView,
} from '@annals/contracts/publishing/docs';
import { defineProjection } from '@annals/platform/consumer/projection';

/** What is shorter is not told apart by its letters. */
const WORD = /[\p{L}\p{N}]{3,}/gu;

const known: TitleWordDoc = {};

const wordsOf = (title: string): readonly string[] =>
  (foldTitle(title).match(WORD) ?? []).filter(({ length }) => length <= LONGEST_TITLE_WORD);

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
