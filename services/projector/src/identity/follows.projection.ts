/** Who follows whom. */
import { type FollowColumns, type FollowDoc, followKey, followsView } from '@annals/contracts/identity/docs';
import { type FollowDomainEvent, follow } from '@annals/contracts/identity/follow.events';
import { type Column, defineProjection } from '@annals/platform/consumer/projection';

const columns: Record<keyof FollowColumns, Column<FollowDoc>> = {
  user_id: { type: 'text', of: (doc) => doc.userId },
  follower_id: { type: 'text', of: (doc) => doc.followerId },
  followed_at: { type: 'timestamptz', of: (doc) => doc.followedAt },
};

const keyOf = ({ data }: FollowDomainEvent) => followKey(data);

export const follows = defineProjection<FollowDoc>()({
  ...followsView,
  store: 'rows',
  aggregates: [follow],
  keys: { UserFollowed: keyOf, UserUnfollowed: keyOf },
  evolve: (_current, event) =>
    event.type === 'UserFollowed' ? { ...event.data, followedAt: event.metadata.occurredAt } : null,
  rows: { columns, indexes: ['(user_id, followed_at, key)', '(follower_id, followed_at, key)'] },
});
