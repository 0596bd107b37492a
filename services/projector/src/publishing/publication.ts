/** What an article's event does to the number of published articles. */

type Publication =
  | { readonly type: 'ArticlePublished' | 'ArticleUnpublished' }
  | { readonly type: 'ArticleDeleted'; readonly data: { readonly wasPublished: boolean } }
  | { readonly type: 'ArticleRestored'; readonly data: { readonly isPublished: boolean } };

/** One more, one less, or no change. */
export function publicationChange(event: Publication): 1 | 0 | -1 {
  switch (event.type) {
    case 'ArticlePublished':
      return 1;
    case 'ArticleUnpublished':
      return -1;
    case 'ArticleDeleted':
      return event.data.wasPublished ? -1 : 0;
    case 'ArticleRestored':
      return event.data.isPublished ? 1 : 0;
  }
}
