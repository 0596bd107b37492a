/** People with access tokens and published articles, made through command-api. */

import { createArticle } from '@annals/contracts/publishing/article.routes';
import { addComment } from '@annals/contracts/publishing/comment.routes';
import type { LoadRequest } from '../kit/http-load.ts';

const PASSWORD = 'Correct-horse-battery-7';

export interface Community {
  readonly tokens: readonly string[];
  readonly articleIds: readonly string[];
}

/** Registers and logs `people` in; each publishes an article. */
export async function createCommunity(url: string, people: number): Promise<Community> {
  const members = await Promise.all(
    Array.from({ length: people }, async (_, index) => {
      const username = `reader${index}`;
      const user = { username, email: `${username}@example.test`, password: PASSWORD };
      await post(`${url}/v1/users`, user);
      const session = await post(`${url}/v1/sessions`, { login: username, password: PASSWORD });
      const token = String(session.accessToken);
      const article = {
        title: `On the matter of reader ${index}`,
        content: '<p>There is much to be said.</p>',
      };
      const { id } = await post(`${url}/v1/articles`, article, token);
      await post(`${url}/v1/articles/${id}/publish`, {}, token);
      return { token, articleId: String(id) };
    }),
  );
  return { tokens: members.map(({ token }) => token), articleIds: members.map(({ articleId }) => articleId) };
}

async function post(url: string, body: object, token?: string): Promise<Record<string, unknown>> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`POST ${url}: ${answer.status} ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

export const commentBody = {
  content:
    'An ordinary remark, neither short nor long, of the kind that readers leave below an article: they agree with ' +
    'most of it, and would put one sentence in another way.',
};

/** A comment by each member, on the articles in turn. */
export function commentRequests({ tokens, articleIds }: Community, isKeyed = false): LoadRequest[] {
  return tokens.map((token, index) => ({
    method: addComment.method,
    path: addComment.path.replace('{id}', articleIds[(index + 1) % articleIds.length] ?? ''),
    headers: headersOf(token, isKeyed),
    body: commentBody,
  }));
}

/** An article by each member, each with a title of its own. */
export function articleRequests({ tokens }: Community, isKeyed = false): LoadRequest[] {
  return tokens.map((token) => ({
    method: createArticle.method,
    path: createArticle.path,
    headers: headersOf(token, isKeyed),
    body: {
      title: 'On the matter of {{uuid}}',
      content: '<p>There is much to be said.</p>',
      tags: ['matters'],
    },
  }));
}

function headersOf(token: string, isKeyed: boolean): Record<string, string> {
  return { authorization: `Bearer ${token}`, ...(isKeyed ? { 'idempotency-key': '{{uuid}}' } : {}) };
}
