/** One reader's like of one article: there or not, in alternation [P9]. Pure. */
import type { LikeEvent } from '@annals/contracts/publishing/like.events';

export interface LikeState {
  readonly isLiked: boolean;
}

export const initial: LikeState = { isLiked: false };

/** Folds one event. Total. */
export function evolve(_state: LikeState, event: LikeEvent): LikeState {
  switch (event.type) {
    case 'ArticleLiked':
      return { isLiked: true };
    case 'ArticleUnliked':
      return { isLiked: false };
    default:
      return event satisfies never;
  }
}

export interface LikeSubject {
  readonly articleId: string;
  readonly userId: string;
}

/** Likes; liking twice is liking once. */
export function like(state: LikeState, subject: LikeSubject): LikeEvent[] {
  return state.isLiked ? [] : [{ type: 'ArticleLiked', data: subject }];
}

/** Takes the like back, where there is one. */
export function unlike(state: LikeState, subject: LikeSubject): LikeEvent[] {
  return state.isLiked ? [{ type: 'ArticleUnliked', data: subject }] : [];
}
