/** Comments [P10]: whoever may see the article may see what is said about it. */

import type { ListRequest } from '@annals/contracts/kit/list';
import { Problem } from '@annals/contracts/problems';
import { getComment, listComments } from '@annals/contracts/publishing/comment.routes';
import { representation } from '@annals/platform/http/conditional';
import { bind } from '@annals/platform/http/types';
import { joinPerson, personJson } from '../identity/person-json.ts';
import type { ListSource } from '../lists/source.ts';
import { all, raw, sql } from '../lists/sql.ts';
import { defineQueries } from '../queries.ts';
import { articleList, comments, profiles } from '../views.ts';
import { requireVisible, standingOf, viewerOf, visibleTo } from './standing.ts';

const views = [comments, profiles, articleList];
const columns = raw('c.part, c.author_id');
const joins = joinPerson(raw('page.author_id'));
const item = sql`page.part || ',"author":' || ${personJson(raw('page.author_id'))} || '}'`;

export const commentQueries = defineQueries((context) => [
  bind(listComments, (request) => {
    const { id } = request.params;
    return context.answerList(request, commentsOn(id, request.query), async (reader) => {
      requireVisible(viewerOf(request.caller), await standingOf(reader, id));
    });
  }),
  bind(getComment, async (request) => {
    const { id } = request.params;
    const visible = visibleTo(viewerOf(request.caller));
    const resources = () => [{ view: comments.name, key: id }];
    const { data, position } = await context.read(request, { views, resources, isQuick: true }, (reader) =>
      reader.rows<{ item: string }>(
        sql`with page as (
            select ${columns} from ${comments.table} c join ${articleList.table} t on t.key = c.article_id
            where c.key = ${id} and ${all(visible)}
          ) select ${item} as item from page ${joins}`,
      ),
    );
    const [comment] = data;
    if (!comment) throw new Problem('not-found', 'There is no such comment.');
    return representation(request, { revision: 0, body: comment.item, position });
  }),
]);

function commentsOn(articleId: string, { filters }: ListRequest): ListSource {
  const parents = filters.flatMap(({ field, values }) => (field === 'parentId' ? values : []));
  return {
    views,
    from: sql`${comments.table} c`,
    where: [
      sql`c.article_id = ${articleId}`,
      ...(parents.length > 0 ? [sql`c.parent_id = any (${parents}::text[])`] : []),
    ],
    key: raw('c.key'),
    sort: { createdAt: { value: raw('c.created_at'), type: 'timestamptz' } },
    defaultOrder: [{ field: 'createdAt', descending: true }],
    columns,
    joins,
    item,
    ...(parents.length > 0
      ? {}
      : { count: sql`select t.comment_count from ${articleList.table} t where t.key = ${articleId}` }),
  };
}
