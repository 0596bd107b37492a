/** Categories as documents: for single articles. */
import { type CategoryDoc, categoryDocumentsView } from '@annals/contracts/publishing/category.docs';
import { defineProjection } from '@annals/platform/consumer/projection';
import { categoryAggregates, categoryKeys, evolveCategory } from './category.ts';

export const categoryDocuments = defineProjection<CategoryDoc>()({
  ...categoryDocumentsView,
  aggregates: categoryAggregates,
  keys: categoryKeys,
  evolve: evolveCategory,
});
