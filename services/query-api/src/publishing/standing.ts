/**
 * Who may see which article: the public what is published, authors their own, staff all. What is deleted is in no list but
 * that of those who may restore it, and can't be looked at.
 */
import { Problem } from '@annals/contracts/problems';
import { type Caller, holds } from '@annals/platform/http/types';
import { raw, type Sql, sql } from '../lists/sql.ts';
import type { Reader } from '../queries.ts';
import { articleList } from '../views.ts';

/** The caller, as far as articles are concerned. */
export interface Viewer {
  readonly userId: string | null;
  readonly isStaff: boolean;
  /** Whether they see what moderators have hidden. Default: they don't. */
  readonly canModerate?: boolean;
}

export function viewerOf(caller: Caller): Viewer {
  return {
    userId: caller.kind === 'user' ? caller.userId : null,
    isStaff: holds(caller, 'staff'),
    canModerate: holds(caller, 'can_moderate'),
  };
}

/** What decides who may see an article. */
export interface Standing {
  readonly authorId: string;
  readonly isPublished: boolean;
  readonly isDeleted: boolean;
}

export function mayEdit({ userId, isStaff }: Viewer, { authorId }: Pick<Standing, 'authorId'>): boolean {
  return isStaff || (userId !== null && userId === authorId);
}

export function maySee(viewer: Viewer, standing: Standing): boolean {
  return !standing.isDeleted && (standing.isPublished || mayEdit(viewer, standing));
}

/** Rows that tell who may see an article: `t` of `article_list`, `s` of `article_search`. */
export type Rows = 't' | 's';

/**
 * What everyone may see among the rows of `article_list` called `t`. What is public is not deleted; but the planner does
 * not know, and most indexes are of what is not deleted.
 */
export const PUBLIC = publicOf('t');

function publicOf(rows: Rows): Sql {
  return raw(`${rows}.is_public and not ${rows}.is_deleted`);
}

/** The articles that the viewer may see, among such rows. */
export function visibleTo({ userId, isStaff }: Viewer, rows: Rows = 't'): readonly Sql[] {
  if (isStaff) return [raw(`not ${rows}.is_deleted`)];
  if (userId === null) return [publicOf(rows)];
  return [raw(`not ${rows}.is_deleted`), sql`(${raw(rows)}.is_public or ${raw(rows)}.author_id = ${userId})`];
}

/** The deleted articles that the viewer may restore, among such rows. */
export function restorableBy({ userId, isStaff }: Viewer, rows: Rows): readonly Sql[] {
  if (!isStaff && userId === null) return [raw('false')];
  const deleted = raw(`${rows}.is_deleted`);
  return isStaff ? [deleted] : [deleted, sql`${raw(rows)}.author_id = ${userId}`];
}

/** The article's standing in lists; null where there is none. */
export async function standingOf(reader: Reader, articleId: string): Promise<Standing | null> {
  const [row] = await reader.rows<Standing>(
    sql`select author_id as "authorId", is_public as "isPublished", is_deleted as "isDeleted"
        from ${articleList.table} where key = ${articleId}`,
  );
  return row ?? null;
}

/** Throws `not-found` unless the viewer may see the article. */
export function requireVisible<Found extends Standing>(
  viewer: Viewer,
  standing: Found | null | undefined,
): Found {
  if (!standing || !maySee(viewer, standing)) throw new Problem('not-found', 'There is no such article.');
  return standing;
}

/** Throws `not-found` unless the viewer may see the article, and `forbidden` unless they may edit it. */
export function requireEditable<Found extends Standing>(
  viewer: Viewer,
  standing: Found | null | undefined,
): Found {
  const found = requireVisible(viewer, standing);
  if (!mayEdit(viewer, found)) throw new Problem('forbidden', 'Only the author and staff may see this.');
  return found;
}
