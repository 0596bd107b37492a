/** The documents of publishing's views: what the projector writes and the query-api reads. People are ids in them. */
import type { ArticleSummary, CommentView } from './views.ts';

/** Rows: articles in lists, without content. Deleted ones keep their row, so that they can come back. */
export const articleListView = { name: 'article_list', version: 4 } as const;
/** Rows: the text that a search looks through, and who may find it. */
export const articleSearchView = { name: 'article_search', version: 3 } as const;
/** Rows: every word that a title ever had, as {@link foldTitle} has it; misspelt ones are compared with these. */
export const titleWordsView = { name: 'title_words', version: 1 } as const;
/** Documents: an article as one screen shows it; found by id or `activeSlug`. */
export const articleDetailsView = { name: 'article_details', version: 3, store: 'documents' } as const;
/** Rows: one per change of an article, keyed by {@link historyKey}. */
export const articleHistoryView = { name: 'article_history', version: 3 } as const;
/** Rows: comments by id. */
export const commentsView = { name: 'comments', version: 2 } as const;
/** Rows: who likes what, keyed by {@link likeKey}. */
export const likesView = { name: 'likes', version: 1 } as const;
/** Rows: numbers of published articles, keyed by {@link counterKeys}. */
export const articleCountersView = { name: 'article_counters', version: 2 } as const;

/** An article without its content. */
export interface ArticleListDoc extends Omit<ArticleSummary, 'author' | 'category'> {
  readonly authorId: string;
  readonly categoryId: string | null;
  readonly isDeleted: boolean;
}

/** Columns of {@link articleListView}. */
export interface ArticleListColumns extends ArticleStanding {
  /** The article's part of the answer: JSON text of an object, its closing brace left off so that author and category can follow. */
  readonly part: string;
  readonly category_id: string | null;
  /** The title by {@link foldTitle}: to sort by, and to look for parts. */
  readonly title_folded: string;
  readonly tags: readonly string[];
  readonly is_featured: boolean;
  /** `-infinity` where not published. */
  readonly published_at: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly like_count: number;
  readonly comment_count: number;
  readonly external_id: string | null;
}

/** What is searched. Columns beside {@link ArticleStanding}: `document`, the weighted text-search vector, and `title`, that of the title alone. */
export interface ArticleSearchDoc {
  readonly title: string;
  /** Plain text, perhaps cut short. */
  readonly text: string;
  readonly authorId: string;
  readonly isPublished: boolean;
  readonly isDeleted: boolean;
}

/** The columns that tell who may find an article, alike in {@link articleListView} and {@link articleSearchView}. */
export interface ArticleStanding {
  readonly author_id: string;
  /** Published and not deleted. */
  readonly is_public: boolean;
  readonly is_deleted: boolean;
}

/** Letters; what is longer is no word of {@link titleWordsView}. PostgreSQL compares no more than 255. */
export const LONGEST_TITLE_WORD = 50;

/** Its key says it all. */
export type TitleWordDoc = Readonly<Record<string, never>>;

/** A comment without its author's name, and with its content even where it is hidden. */
export interface CommentDoc extends Omit<CommentView, 'author' | 'hidden'> {
  readonly authorId: string;
  readonly hidden: NonNullable<CommentView['hidden']> | null;
  readonly revision: number;
}

/** Columns of {@link commentsView}. */
export interface CommentColumns {
  /** As in {@link ArticleListColumns.part}; without the content of a hidden one. */
  readonly part: string;
  /** The same of a hidden one for those who may see all of it; null for others. */
  readonly whole: string | null;
  readonly article_id: string;
  readonly author_id: string;
  readonly parent_id: string | null;
  readonly created_at: string;
}

/** An article with all that its screen shows at once. */
export interface ArticleDetailsDoc {
  readonly id: string;
  /** Null while deleted. */
  readonly activeSlug: string | null;
  readonly summary: ArticleListDoc;
  /** Sanitised HTML. */
  readonly content: string;
  /** The newest {@link NEWEST_COMMENTS}, newest first. */
  readonly comments: readonly CommentDoc[];
  /** The author and those who wrote the comments. */
  readonly people: readonly string[];
}

export const NEWEST_COMMENTS = 10;

/** A comment as everyone sees it, but for its author's name. */
export function publicComment({ authorId: _, hidden, revision: __, ...view }: CommentDoc) {
  return hidden === null ? view : { ...view, content: '' };
}

/** A hidden comment as its author and moderators see it, but for its author's name. */
export function wholeComment({ authorId: _, hidden, revision: __, ...view }: CommentDoc) {
  return hidden === null ? view : { ...view, hidden };
}

/** The fields that a history follows. */
export interface HistoryFields {
  readonly title: string;
  readonly slug: string;
  readonly content: string;
  /** With the content, from which it follows. */
  readonly excerpt: string;
  readonly readingMinutes: number;
  readonly tags: string[];
  readonly categoryId: string | null;
  readonly isPublished: boolean;
  readonly publishedAt: string | null;
  readonly publishAt: string | null;
  readonly isFeatured: boolean;
  readonly isDeleted: boolean;
}

/** What one event set; what was there before stands in an earlier row. */
export interface ArticleHistoryDoc {
  readonly articleId: string;
  readonly revision: number;
  readonly type: string;
  readonly at: string;
  /** The user's id; null where nobody in particular did it. */
  readonly by: string | null;
  readonly set: Partial<HistoryFields>;
}

/** Columns of {@link articleHistoryView}. */
export interface ArticleHistoryColumns {
  readonly article_id: string;
  readonly revision: number;
  readonly at: string;
  /** Names of what was set, by which a field's newest row is found without a look at contents. */
  readonly fields: readonly string[];
  /** The user's id; null where nobody in particular did it, and of the creation. */
  readonly changed_by: string | null;
}

/** A like. */
export interface LikeDoc {
  readonly articleId: string;
  readonly userId: string;
  readonly likedAt: string;
}

/** Columns of {@link likesView}. */
export interface LikeColumns {
  readonly article_id: string;
  readonly user_id: string;
  readonly liked_at: string;
}

/** A counter of published articles. */
export interface ArticleCounterDoc {
  /** Of its key: what stands before the colon, e.g. `tag`. */
  readonly kind: string;
  /** Of its key: what follows the colon. */
  readonly name: string;
  readonly count: number;
}

/** Columns of {@link articleCountersView}. */
export type ArticleCounterColumns = ArticleCounterDoc;

/** Lower case, without accents: how titles are compared. */
export function foldTitle(title: string): string {
  return title.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

export function historyKey(articleId: string, revision: number): string {
  return `${articleId}@${revision}`;
}

export function likeKey(articleId: string, userId: string): string {
  return `${articleId}.${userId}`;
}

/** Keys of {@link articleCountersView}. */
export const counterKeys = {
  all: 'all',
  author: (id: string) => `author:${id}`,
  tag: (tag: string) => `tag:${tag}`,
  category: (id: string) => `category:${id}`,
} as const;
