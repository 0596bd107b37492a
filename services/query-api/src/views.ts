/** The names of the views' tables. */
import { accountsView, profileDocumentsView, profilesView } from '@annals/contracts/identity/docs';
import {
  articleCountersView,
  articleDetailsView,
  articleHistoryView,
  articleListView,
  articleSearchView,
  commentsView,
  likesView,
} from '@annals/contracts/publishing/docs';
import { viewName } from '@annals/platform/consumer/projection';
import { raw, type Sql } from './lists/sql.ts';

/** A view: its name, and its table as SQL. */
export interface View {
  readonly name: string;
  readonly table: Sql;
}

function view(projection: { readonly name: string; readonly version: number }): View {
  const name = viewName(projection);
  return { name, table: raw(`views.${name}`) };
}

export const profiles = view(profilesView);
export const profileDocuments = view(profileDocumentsView);
export const accounts = view(accountsView);
export const articleList = view(articleListView);
export const articleSearch = view(articleSearchView);
export const articleDetails = view(articleDetailsView);
export const articleHistory = view(articleHistoryView);
export const articleCounters = view(articleCountersView);
export const comments = view(commentsView);
export const likes = view(likesView);

/** Every view that a query reads: the service is ready once all are live. */
export const allViews: readonly View[] = [
  profiles,
  profileDocuments,
  accounts,
  articleList,
  articleSearch,
  articleDetails,
  articleHistory,
  articleCounters,
  comments,
  likes,
];
