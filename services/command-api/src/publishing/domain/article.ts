/** An article, from draft to deletion and back [P1–P3]; `publication.ts` has what publishes it. Pure. */
import type { UniqueKey } from '@annals/contracts/kit/unique-key';
import { Problem } from '@annals/contracts/problems';
import type { ArticleEvent } from '@annals/contracts/publishing/article.events';
import { type CategoryState, requireOpen } from './category.ts';
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
  readonly categoryId: string | null;
  /** Once published, an article keeps its slug. */
  readonly isSlugPinned: boolean;
  readonly isFeatured: boolean;
  /** When a draft is to be published: RFC 3339 in UTC. */
  readonly publishAt: string | null;
}

const NEW = { status: 'draft', isSlugPinned: false, isFeatured: false, publishAt: null } as const;

export type ArticleState =
  | { readonly status: 'none' }
  | ({ readonly status: 'draft' | 'published' } & Article)
  | ({ readonly status: 'deleted'; readonly wasPublished: boolean } & Article);

export const initial: ArticleState = { status: 'none' };

/** Folds one event. Total: what cannot follow changes nothing. */
export function evolve(state: ArticleState, event: ArticleEvent): ArticleState {
  if (event.type === 'ArticleCreated') {
    const { categoryId = null, ...data } = event.data;
    return { ...NEW, ...data, categoryId };
  }
  if (state.status === 'none') return state;
  switch (event.type) {
    case 'ArticleUpdated':
      return { ...state, ...given(event.data) };
    case 'ArticlePublished':
      return { ...state, status: 'published', isSlugPinned: true, publishAt: null };
    case 'ArticleUnpublished':
      return { ...state, status: 'draft', isFeatured: false };
    case 'ArticleScheduled':
      return { ...state, publishAt: event.data.publishAt };
    case 'ArticleUnscheduled':
      return { ...state, publishAt: null };
    case 'ArticleFeatured':
      return { ...state, isFeatured: true };
    case 'ArticleUnfeatured':
      return { ...state, isFeatured: false };
    case 'ArticleDeleted':
      return { ...state, status: 'deleted', wasPublished: event.data.wasPublished, publishAt: null };
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

/** The category that is asked for, as its own stream says; null: none. */
export interface ChosenCategory {
  readonly id: string;
  readonly state: CategoryState | null;
}

export interface Draft {
  readonly articleId: string;
  readonly authorId: string;
  readonly title: string;
  readonly slug: string;
  readonly content: string;
  readonly tags: readonly string[];
  readonly externalId: string | null;
  readonly category: ChosenCategory | null;
}

/** Creates a draft; creating what is there changes nothing. */
export function create(
  state: ArticleState,
  { category, ...draft }: Draft,
  rules: TitleRules,
): ArticleEvent[] {
  if (state.status !== 'none') return [];
  checkTitle(draft.title, rules);
  if (category) requireOpen(category.state);
  return [
    {
      type: 'ArticleCreated',
      data: { ...draft, tags: [...draft.tags], ...(category ? { categoryId: category.id } : {}) },
    },
  ];
}

export interface Changes {
  readonly title?: string | undefined;
  readonly content?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  /** The slug of the new title, for an article whose slug may still change. */
  readonly slug?: string | undefined;
  readonly category?: ChosenCategory | null | undefined;
}

/** Changes what is given and different; a publication, also one to come, keeps some content. */
export function update(state: ArticleState, changes: Changes, rules: TitleRules): ArticleEvent[] {
  const article = existing(state);
  const changed = {
    ...renamed(article, changes, rules),
    ...changedText(article, changes),
    ...moved(article, changes),
  };
  if (Object.keys(changed).length === 0) return [];
  const needsContent = article.status === 'published' || article.publishAt !== null;
  if (needsContent && changed.content !== undefined && !hasContent(changed.content)) {
    throw new Problem('not-publishable', 'A publication needs content; unpublish it first.');
  }
  return [
    {
      type: 'ArticleUpdated',
      data: { ...subjectOf(article), isPublished: article.status === 'published', ...changed },
    },
  ];
}

function renamed(article: Article, { title, slug }: Changes, rules: TitleRules) {
  if (title === undefined || title === article.title) return {};
  checkTitle(title, rules);
  return { title, ...(article.isSlugPinned || slug === article.slug ? {} : { slug }) };
}

function changedText(article: Article, { content, tags }: Changes) {
  return {
    ...(content !== undefined && content !== article.content ? { content } : {}),
    ...(tags !== undefined && !isSameList(tags, article.tags)
      ? { tags: [...tags], previousTags: [...article.tags] }
      : {}),
  };
}

function moved({ categoryId: previousCategoryId }: Article, { category }: Changes) {
  if (category === undefined) return {};
  const categoryId = category?.id ?? null;
  if (categoryId === previousCategoryId) return {};
  if (category) requireOpen(category.state);
  return { categoryId, previousCategoryId };
}

/** Deletes an article; it can be restored. */
export function remove(state: ArticleState): ArticleEvent[] {
  if (state.status === 'deleted') return [];
  const article = existing(state);
  const wasPublished = article.status === 'published';
  return [{ type: 'ArticleDeleted', data: { ...subjectOf(article), ...placeOf(article), wasPublished } }];
}

/** Deletes a draft that nobody has touched for long, unless it is to be published later. */
export function removeUntouched(state: ArticleState): ArticleEvent[] {
  if (state.status !== 'draft' || state.publishAt !== null) return [];
  const data = { ...subjectOf(state), ...placeOf(state), wasPublished: false, reason: 'untouched' } as const;
  return [{ type: 'ArticleDeleted', data }];
}

/** Brings a deleted article back as it was, but for a publication that was to come. */
export function restore(state: ArticleState): ArticleEvent[] {
  if (state.status === 'none') throw missing();
  if (state.status !== 'deleted') return [];
  const { wasPublished: isPublished } = state;
  return [{ type: 'ArticleRestored', data: { ...subjectOf(state), ...placeOf(state), isPublished } }];
}

/** The article; throws `not-found` where there is none, or none any more. */
export function existing(state: ArticleState): Extract<ArticleState, { status: 'draft' | 'published' }> {
  if (state.status === 'none' || state.status === 'deleted') throw missing();
  return state;
}

function missing(): Problem {
  return new Problem('not-found', 'There is no such article.');
}

export function subjectOf({ articleId, authorId }: Article) {
  return { articleId, authorId };
}

/** Under what the article is found. */
export function placeOf({ tags, categoryId }: Article) {
  return { tags: [...tags], ...(categoryId === null ? {} : { categoryId }) };
}

function given({ title, slug, content, tags, categoryId }: Changed) {
  return {
    ...(title === undefined ? {} : { title }),
    ...(slug === undefined ? {} : { slug }),
    ...(content === undefined ? {} : { content }),
    ...(tags === undefined ? {} : { tags }),
    ...(categoryId === undefined ? {} : { categoryId }),
  };
}

type Changed = Extract<ArticleEvent, { type: 'ArticleUpdated' }>['data'];

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, at) => value === b[at]);
}

/** Markup alone is no content; an image is. */
export function hasContent(html: string): boolean {
  return /<img\b/.test(html) || html.replace(/<[^>]*>/g, '').trim() !== '';
}
