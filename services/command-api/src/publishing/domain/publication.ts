/** Publishing an article now, in the past or later, taking that back, and featuring what is published [P4]. Pure. */
import { Problem } from '@annals/contracts/problems';
import type { ArticleEvent } from '@annals/contracts/publishing/article.events';
import { type ArticleState, existing, hasContent, placeOf, subjectOf } from './article.ts';

/** Publishes a draft as of `publishedAt`, which may not lie after `now` (both RFC 3339 in UTC). */
export function publish(
  state: ArticleState,
  { now, publishedAt = now }: { now: string; publishedAt?: string | undefined },
): ArticleEvent[] {
  const article = existing(state);
  if (publishedAt > now) throw wrongTime('/publishedAt', 'in-the-future', 'must not lie in the future');
  if (article.status === 'published') return [];
  requireContent(article);
  return [{ type: 'ArticlePublished', data: { ...subjectOf(article), ...placeOf(article), publishedAt } }];
}

const TEN_YEARS_MS = 10 * 366 * 86_400_000;

/** Lets a draft be published at a time to come, instead of whenever it was to be before. */
export function schedule(
  state: ArticleState,
  { now, publishAt }: { now: string; publishAt: string },
): ArticleEvent[] {
  const article = existing(state);
  const wait = Date.parse(publishAt) - Date.parse(now);
  if (wait <= 0) throw wrongTime('/publishAt', 'in-the-past', 'must lie in the future');
  if (wait > TEN_YEARS_MS) throw wrongTime('/publishAt', 'too-late', 'must lie within ten years');
  if (article.status === 'published')
    throw wrongTime('/publishAt', 'already-published', 'is for drafts; unpublish the article first');
  if (article.publishAt === publishAt) return [];
  requireContent(article);
  return [{ type: 'ArticleScheduled', data: { ...subjectOf(article), publishAt } }];
}

/** Publishes a draft whose time has come, unless it is no longer to be published at that time. */
export function publishScheduled(state: ArticleState, publishAt: string): ArticleEvent[] {
  if (state.status !== 'draft' || state.publishAt !== publishAt) return [];
  return [
    {
      type: 'ArticlePublished',
      data: { ...subjectOf(state), ...placeOf(state), publishedAt: publishAt },
    },
  ];
}

/** Makes a publication a draft again; of a draft, what was to be published later no longer is. */
export function unpublish(state: ArticleState): ArticleEvent[] {
  const article = existing(state);
  if (article.status === 'published')
    return [{ type: 'ArticleUnpublished', data: { ...subjectOf(article), ...placeOf(article) } }];
  return article.publishAt === null ? [] : [{ type: 'ArticleUnscheduled', data: subjectOf(article) }];
}

/** Features a publication. */
export function feature(state: ArticleState): ArticleEvent[] {
  const article = existing(state);
  if (article.isFeatured) return [];
  if (article.status !== 'published')
    throw new Problem('not-featurable', 'Only a published article can be featured.');
  return [{ type: 'ArticleFeatured', data: subjectOf(article) }];
}

/** Takes a publication out of the featured ones; one that is unpublished is none of them by itself. */
export function unfeature(state: ArticleState): ArticleEvent[] {
  const article = existing(state);
  return article.isFeatured ? [{ type: 'ArticleUnfeatured', data: subjectOf(article) }] : [];
}

function requireContent({ content }: { readonly content: string }): void {
  if (!hasContent(content)) throw new Problem('not-publishable', 'The article has no content yet.');
}

function wrongTime(pointer: string, code: string, message: string): Problem {
  return new Problem('validation-failed', 'The article cannot be published at that time.', {
    mistakes: [{ pointer, code, message }],
  });
}
