/** Who may know of an article, and who may change it. */
import type { Permission } from '@annals/contracts/kit/route';
import { Problem } from '@annals/contracts/problems';
import type { Caller } from '@annals/platform/http/types';
import type { ArticleState } from './domain/article.ts';

interface Request {
  readonly caller: Caller;
  can(permission: Permission): boolean;
}

/** Throws unless the caller is the author or holds `permission` (staff hold all): 404 for what others may not know of. */
export function requireOwner(
  state: ArticleState,
  { caller, can }: Request,
  permission: Permission = 'staff',
): void {
  if (state.status === 'none') throw missing();
  const isAuthor = caller.kind === 'user' && caller.userId === state.authorId;
  if (isAuthor || can(permission)) return;
  if (state.status !== 'published') throw missing();
  throw new Problem('forbidden', 'Only its author and staff may do this.');
}

/** Throws `not-found` where the caller may not know of the article: drafts are their author's and staff's. */
export function requireSeen(state: ArticleState, { caller, can }: Request): void {
  if (state.status === 'published') return;
  const isAuthor = state.status !== 'none' && caller.kind === 'user' && caller.userId === state.authorId;
  if (!isAuthor && !can('staff')) throw missing();
}

/** Throws unless the article is published. */
export function requirePublished(state: ArticleState | null): void {
  if (state?.status !== 'published') throw missing();
}

function missing(): Problem {
  return new Problem('not-found', 'There is no such article.');
}
