/** The documents of categories: what the projector writes and the query-api reads. */
import type { CategorySummary, CategoryView } from './category.views.ts';

/** Rows: categories, for lists and joins. */
export const categoriesView = { name: 'categories', version: 1 } as const;
/** Documents: categories by id, for single screens. */
export const categoryDocumentsView = { name: 'category_documents', version: 1, store: 'documents' } as const;

/** A category without what others say of it. */
export type CategoryDoc = Omit<CategoryView, 'articleCount'>;

/** Columns of {@link categoriesView}. */
export interface CategoryColumns {
  /** The answer's JSON without the count and without the closing brace. */
  readonly part: string;
  /** {@link CategorySummary} as JSON. */
  readonly summary: string;
  readonly slug: string;
  /** As {@link foldTitle} gives it: to sort by. */
  readonly name_folded: string;
  readonly is_retired: boolean;
  readonly created_at: string;
}

export function toCategorySummary({ id, slug, name }: CategoryDoc): CategorySummary {
  return { id, slug, name };
}

/** What is said of a category that the view does not know yet. */
export function unknownCategory(id: string): CategorySummary {
  return { id, slug: null, name: null };
}
