import { deciderSpec } from '@annals/testing/decider-spec';
import { test } from 'vitest';
import * as follow from './follow.ts';

const spec = deciderSpec(follow);
const subject = { userId: 'ada', followerId: 'grace' };
const followed = { type: 'UserFollowed', data: subject } as const;
const unfollowed = { type: 'UserUnfollowed', data: subject } as const;

test('I7 following twice is following once, and it can be ended once', () => {
  spec
    .given()
    .when((state) => follow.follow(state, subject))
    .thenEvents(followed);
  spec
    .given(followed)
    .when((state) => follow.follow(state, subject))
    .thenNothing();
  spec
    .given(followed)
    .when((state) => follow.unfollow(state, subject))
    .thenEvents(unfollowed);
  spec
    .given(followed, unfollowed)
    .when((state) => follow.unfollow(state, subject))
    .thenNothing();
});

test('I7 nobody follows themselves', () => {
  spec
    .given()
    .when((state) => follow.follow(state, { userId: 'ada', followerId: 'ada' }))
    .thenRefused('validation-failed');
});
