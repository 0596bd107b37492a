/** One person's following of another: there or not, in alternation [I7]. Pure. */
import type { FollowEvent } from '@annals/contracts/identity/follow.events';
import { Problem } from '@annals/contracts/problems';

export interface FollowState {
  readonly isFollowing: boolean;
}

export const initial: FollowState = { isFollowing: false };

/** Folds one event. Total. */
export function evolve(_state: FollowState, event: FollowEvent): FollowState {
  switch (event.type) {
    case 'UserFollowed':
      return { isFollowing: true };
    case 'UserUnfollowed':
      return { isFollowing: false };
    default:
      return event satisfies never;
  }
}

/** `followerId` follows `userId`. */
export interface FollowSubject {
  readonly userId: string;
  readonly followerId: string;
}

/** Follows; following twice is following once, and nobody follows themselves. */
export function follow(state: FollowState, subject: FollowSubject): FollowEvent[] {
  if (subject.userId === subject.followerId) {
    throw new Problem('validation-failed', 'Nobody follows themselves.', {
      mistakes: [{ parameter: 'id', code: 'own-id', message: 'is the caller’s own' }],
    });
  }
  return state.isFollowing ? [] : [{ type: 'UserFollowed', data: subject }];
}

/** Ends the following, where there is one. */
export function unfollow(state: FollowState, subject: FollowSubject): FollowEvent[] {
  return state.isFollowing ? [{ type: 'UserUnfollowed', data: subject }] : [];
}
