/** Routes of following [I7]. */
import { z } from 'zod';
import { listOf, listQuery } from '../kit/list.ts';
import { uuid } from '../kit/primitives.ts';
import { answers, defineRoute, related } from '../kit/route.ts';
import { personSummary } from './views.ts';

const tag = 'identity';
const byId = z.strictObject({ id: uuid });

export const followUser = defineRoute({
  name: 'followUser',
  method: 'PUT',
  path: '/v1/users/{id}/follow',
  service: 'command-api',
  tag,
  summary: 'Follow somebody; following twice is following once, and nobody follows themselves',
  access: 'user',
  params: byId,
  success: related,
});

export const unfollowUser = defineRoute({
  name: 'unfollowUser',
  method: 'DELETE',
  path: '/v1/users/{id}/follow',
  service: 'command-api',
  tag,
  summary: 'Follow somebody no longer',
  access: 'user',
  params: byId,
  success: related,
});

export const listFollowers = defineRoute({
  name: 'listFollowers',
  method: 'GET',
  path: '/v1/users/{id}/followers',
  service: 'query-api',
  tag,
  summary: 'Who follows the user, the newest first',
  access: 'anyone',
  params: byId,
  query: listQuery(),
  success: answers(listOf(personSummary)),
});

export const listFollowing = defineRoute({
  name: 'listFollowing',
  method: 'GET',
  path: '/v1/users/{id}/following',
  service: 'query-api',
  tag,
  summary: 'Whom the user follows, the newest first',
  access: 'anyone',
  params: byId,
  query: listQuery(),
  success: answers(listOf(personSummary)),
});
