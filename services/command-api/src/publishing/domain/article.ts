/** An article, from draft to deletion and back [P1–P4]. Pure. */
import type { UniqueKey } from '@annals/contracts/kit/unique-key';
import { Problem } from '@annals/contracts/problems';
import type { ArticleEvent } from '@annals/contracts/publishing/article.events';
import { checkTitle, normaliseTitle, type TitleRules } from './title.ts';

interface Article {
  readonly articleId: string;
  readonly authorId: string;
  readonly title: string;
  readonly slug: string;
  /** Sanitised HTML. */
  readonly content: string;
  readonly tags: readonly string[];
  readonly externalId: string | null;
  /** Once published, an article keeps its slug. */
  readonly isSlugPinned: boolean;
}

export type ArticleState =
  | { readonly status: 'none' }
  | ({ readonly status: 'draft' | 'published' } & Article)
  | ({ readonly status: 'deleted'; readonly wasPublished: boolean } & Article);

export const initial: ArticleState = { status: 'none' };

/** Folds one event. Total: what cannot follow changes nothing. */
export function evolve(state: ArticleState, event: ArticleEvent): ArticleState {
  if (event.type === 'ArticleCreated') return { status: 'draft', isSlugPinned: false, ...event.data };
  if (state.status === 'none') return state;
  switch (event.type) {
    case 'ArticleUpdated':
      return { ...state, ...given(event.data) };
    case 'ArticlePublished':
      return { ...state, status: 'published', isSlugPinned: true };
    case 'ArticleUnpublished':
      return { ...state, status: 'draft' };
    case 'ArticleDeleted':
      return { ...state, status: 'deleted', wasPublished: event.data.wasPublished };
    case 'ArticleRestored':
      return { ...state, status: event.data.isPublished ? 'published' : 'draft' };
    default:
      return event satisfies never;
  }
}

/** Title and external id are unique per author and free while deleted; the slug is unique and never given back then. */
export function keys(state: ArticleState): readonly UniqueKey[] {
  if (state.status === 'none') return [];
  const { authorId, title, slug, externalId } = state;
  const slugKey = { kind: 'slug', parts: [slug] };
  if (state.status === 'deleted') return [slugKey];
  const own = [{ kind: 'title', parts: [authorId, normaliseTitle(title)] }, slugKey];
  return externalId === null ? own : [...own, { kind: 'external-id', parts: [authorId, externalId] }];
}

export interface Draft {
  readonly articleId: string;
  readonly authorId: string;
  readonly title: string;
  readonly slug: string;
  readonly content: string;
  readonly tags: readonly string[];
  readonly externalId: string | null;
}

/** Creates a draft; creating what is there changes nothing. */
export function create(state: ArticleState, draft: Draft, rules: TitleRules): ArticleEvent[] {
  if (state.status !== 'none') return [];
  checkTitle(draft.title, rules);
  return [{ type: 'ArticleCreated', data: { ...draft, tags: [...draft.tags] } }];
}

export interface Changes {
  readonly title?: string | undefined;
  readonly content?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  /** The slug of the new title, for an article whose slug may still change. */
  readonly slug?: string | undefined;
}

/** Changes what is given and different; a publication keeps some content. */
export function update(state: ArticleState, changes: Changes, rules: TitleRules): ArticleEvent[] {
  const article = existing(state);
  const isRenamed = changes.title !== undefined && changes.title !== article.title;
  if (isRenamed) checkTitle(changes.title ?? '', rules);
  const changed = {
    ...(isRenamed ? { title: changes.title } : {}),
    ...(isRenamed && !article.isSlugPinned && changes.slug !== article.slug ? { slug: changes.slug } : {}),
    ...(changes.content !== undefined && changes.content !== article.content
      ? { content: changes.content }
      : {}),
    ...(changes.tags !== undefined && !isSameList(changes.tags, article.tags)
      ? { tags: [...changes.tags], previousTags: [...article.tags] }
      : {}),
  };
  if (Object.keys(changed).length === 0) return [];
  if (article.status === 'published' && changed.content !== undefined && !hasContent(changed.content)) {
    throw new Problem('not-publishable', 'A publication needs content; unpublish it first.');
  }
  return [
    {
      type: 'ArticleUpdated',
      data: { ...subjectOf(article), isPublished: article.status === 'published', ...changed },
    },
  ];
}

/** Publishes a draft as of `publishedAt`, which may not lie after `now` (both RFC 3339 in UTC). */
export function publish(
  state: ArticleState,
  { now, publishedAt = now }: { now: string; publishedAt?: string | undefined },
): ArticleEvent[] {
  const article = existing(state);
  if (publishedAt > now) {
    throw new Problem('validation-failed', 'An article cannot be published in the future.', {
      mistakes: [{ pointer: '/publishedAt', code: 'in-the-future', message: 'must not lie in the future' }],
    });
  }
  if (article.status === 'published') return [];
  if (!hasContent(article.content)) throw new Problem('not-publishable', 'The article has no content yet.');
  return [
    { type: 'ArticlePublished', data: { ...subjectOf(article), publishedAt, tags: [...article.tags] } },
  ];
}

/** Makes a publication a draft again. */
export function unpublish(state: ArticleState): ArticleEvent[] {
  const article = existing(state);
  if (article.status === 'draft') return [];
  return [{ type: 'ArticleUnpublished', data: { ...subjectOf(article), tags: [...article.tags] } }];
}

/** Deletes an article; it can be restored. */
export function remove(state: ArticleState): ArticleEvent[] {
  if (state.status === 'deleted') return [];
  const article = existing(state);
  const wasPublished = article.status === 'published';
  return [{ type: 'ArticleDeleted', data: { ...subjectOf(article), wasPublished, tags: [...article.tags] } }];
}

/** Brings a deleted article back as it was. */
export function restore(state: ArticleState): ArticleEvent[] {
  if (state.status === 'none') throw missing();
  if (state.status !== 'deleted') return [];
  const { wasPublished: isPublished, tags } = state;
  return [{ type: 'ArticleRestored', data: { ...subjectOf(state), isPublished, tags: [...tags] } }];
}

function existing(state: ArticleState): Extract<ArticleState, { status: 'draft' | 'published' }> {
  if (state.status === 'none' || state.status === 'deleted') throw missing();
  return state;
}

function missing(): Problem {
  return new Problem('not-found', 'There is no such article.');
}

function subjectOf({ articleId, authorId }: Article) {
  return { articleId, authorId };
}

function given({ title, slug, content, tags }: Changes) {
  return {
    ...(title === undefined ? {} : { title }),
    ...(slug === undefined ? {} : { slug }),
    ...(content === undefined ? {} : { content }),
    ...(tags === undefined ? {} : { tags }),
  };
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, at) => value === b[at]);
}

/** Markup alone is no content; an image is. */
function hasContent(html: string): boolean {
  return /<img\b/.test(html) || html.replace(/<[^>]*>/g, '').trim() !== '';
}
