/** Articles of the end-to-end tests, and what their lists hold. */
import { createArticle, publishArticle } from '@annals/contracts/publishing/article.routes';
import { type Answer, uniqueName } from './client.ts';
import type { Person } from './people.ts';

export interface ArticleOptions {
  readonly publish?: boolean;
  /** Besides title, content and tags, or instead of them. */
  readonly body?: object;
}

/** A draft of `author`, or a publication where asked for; `last` is the newest answer about it. */
export async function writeArticle(
  author: Person,
  options: ArticleOptions = {},
): Promise<{ id: string; title: string; last: Answer }> {
  const title = `About ${uniqueName('something')}`;
  const created = await author.api.ok(createArticle, {
    body: { title, content: '<p>Some words.</p>', tags: ['One'], ...options.body },
  });
  const { id } = created.body;
  const last = options.publish ? await author.api.ok(publishArticle, { params: { id } }) : created;
  return { id, title, last };
}

/** The ids of a list's items, in order. */
export const ids = (answer: Answer): string[] => answer.body.results.map(({ id }: { id: string }) => id);
