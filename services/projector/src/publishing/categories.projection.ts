/** Categories as rows: for lists, and for joins to articles. */
import {
  type CategoryColumns,
  type CategoryDoc,
  categoriesView,
  toCategorySummary,
} from '@annals/contracts/publishing/category.docs';
import { foldTitle } from '@annals/contracts/publishing/docs';
import { type Column, defineProjection } from '@annals/platform/consumer/projection';
import { categoryAggregates, categoryKeys, evolveCategory } from './category.ts';

const columns: Record<keyof CategoryColumns, Column<CategoryDoc>> = {
  part: { type: 'text', of: (doc) => JSON.stringify(doc).slice(0, -1) },
  summary: { type: 'text', of: (doc) => JSON.stringify(toCategorySummary(doc)) },
  slug: { type: 'text', of: (doc) => doc.slug },
  name_folded: { type: 'text', of: (doc) => foldTitle(doc.name) },
  is_retired: { type: 'boolean', of: (doc) => doc.isRetired },
  created_at: { type: 'timestamptz', of: (doc) => doc.createdAt },
};

export const categories = defineProjection<CategoryDoc>()({
  ...categoriesView,
  store: 'rows',
  aggregates: categoryAggregates,
  keys: categoryKeys,
  evolve: evolveCategory,
  rows: { columns, indexes: ['(slug collate "C")', '(name_folded collate "C", key)', '(created_at, key)'] },
});
