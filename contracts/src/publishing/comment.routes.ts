/** Routes of comments [P10]. */
import { z } from 'zod';
import { listOf, listQuery } from '../kit/list.ts';
import { text, uuid } from '../kit/primitives.ts';
import { answers, changed, created, defineRoute } from '../kit/route.ts';
import { commentView } from './views.ts';

const tag = 'publishing';

export const addComment = defineRoute({
  name: 'addComment',
  method: 'POST',
  path: '/v1/articles/{id}/comments',
  service: 'command-api',
  tag,
  summary: 'Comment on a published article, or reply to a comment of it',
  access: 'user',
  params: z.strictObject({ id: uuid }),
  body: z.strictObject({ content: text(1, 4_000), parentId: uuid.nullable().optional() }),
  success: created,
});

export const hideComment = defineRoute({
  name: 'hideComment',
  method: 'POST',
  path: '/v1/comments/{id}/hide',
  service: 'command-api',
  tag,
  summary: 'Hide a comment, with a reason; it stays in its place and in all counts, without its content',
  access: 'can_moderate',
  params: z.strictObject({ id: uuid }),
  body: z.strictObject({ reason: text(1, 500) }),
  success: changed,
});

export const listComments = defineRoute({
  name: 'listComments',
  method: 'GET',
  path: '/v1/articles/{id}/comments',
  service: 'query-api',
  tag,
  summary: 'Comments of an article, newest first',
  access: 'anyone',
  params: z.strictObject({ id: uuid }),
  query: listQuery({ sort: ['createdAt'], filters: { parentId: { value: uuid, operators: ['eq'] } } }),
  success: answers(listOf(commentView)),
});

export const getComment = defineRoute({
  name: 'getComment',
  method: 'GET',
  path: '/v1/comments/{id}',
  service: 'query-api',
  tag,
  summary: 'One comment',
  access: 'anyone',
  params: z.strictObject({ id: uuid }),
  success: answers(commentView),
});
