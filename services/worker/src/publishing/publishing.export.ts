/** What a user wrote and liked. */
import type { ArticleDomainEvent } from '@annals/contracts/publishing/article.events';
import { articleListView, commentsView, likesView } from '@annals/contracts/publishing/docs';
import { viewName } from '@annals/platform/consumer/projection';
import type { Pool } from 'pg';
import { defineExport } from '../exports/section.ts';

/** Articles by the user, the deleted ones as well, each as it is now. */
export const articlesSection = defineExport('articles', async (userId, { pool, log }) => {
  const articles: object[] = [];
  const found = await docsOf(pool, articleListView, 'author_id', userId);
  for (const { id, ...article } of found) {
    const events = (await log.read(`article-${id}`)) as readonly ArticleDomainEvent[];
    const contents = events.flatMap(({ data }) => ('content' in data ? (data.content ?? []) : []));
    articles.push({ id, ...article, content: contents.at(-1) ?? '' });
  }
  return articles;
});

export const commentsSection = defineExport('comments', (userId, { pool }) =>
  docsOf(pool, commentsView, 'author_id', userId),
);

export const likesSection = defineExport('likes', (userId, { pool }) =>
  docsOf(pool, likesView, 'user_id', userId),
);

async function docsOf(
  pool: Pool,
  view: { readonly name: string; readonly version: number },
  column: 'author_id' | 'user_id',
  userId: string,
): Promise<readonly { readonly id?: string }[]> {
  const { rows } = await pool.query<{ doc: { readonly id?: string } }>(
    `select doc from views.${viewName(view)} where ${column} = $1 order by key`,
    [userId],
  );
  return rows.map(({ doc }) => doc);
}
