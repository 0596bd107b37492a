/** The views that several handlers share. A view of one handler's own is defined beside it. */
import { followsView, profileDocumentsView, profilesView } from '@annals/contracts/identity/docs';
import { categoriesView, categoryDocumentsView } from '@annals/contracts/publishing/category.docs';
import {
  articleCountersView,
  articleDetailsView,
  articleHistoryView,
  articleListView,
  articleSearchView,
  commentsView,
  likesView,
  titleWordsView,
} from '@annals/contracts/publishing/docs';
import { viewName } from '@annals/platform/consumer/projection';
import { raw, type Sql } from './lists/sql.ts';

/** A view: its name, and its table as SQL. */
export interface View {
  readonly name: string;
  readonly table: Sql;
  /** Documents are read by the document port; they may live in another database than rows. */
  readonly isOfDocuments: boolean;
}

const defined: View[] = [];

/** Names a view that queries read; the service is ready once all that were named are live. */
export function defineView(projection: {
  readonly name: string;
  readonly version: number;
  readonly store?: 'documents';
}): View {
  const name = viewName(projection);
  const view = { name, table: raw(`views.${name}`), isOfDocuments: projection.store === 'documents' };
  defined.push(view);
  return view;
}

/** Every view that a query reads. Complete once the handlers were found. */
export function definedViews(): readonly View[] {
  return defined;
}

/** True for the name of a view of documents. */
export function isViewOfDocuments(name: string): boolean {
  return defined.some((view) => view.name === name && view.isOfDocuments);
}

export const profiles = defineView(profilesView);
export const profileDocuments = defineView(profileDocumentsView);
export const follows = defineView(followsView);
export const articleList = defineView(articleListView);
export const articleSearch = defineView(articleSearchView);
export const titleWords = defineView(titleWordsView);
export const articleDetails = defineView(articleDetailsView);
export const articleHistory = defineView(articleHistoryView);
export const articleCounters = defineView(articleCountersView);
export const categories = defineView(categoriesView);
export const categoryDocuments = defineView(categoryDocumentsView);
export const comments = defineView(commentsView);
export const likes = defineView(likesView);
