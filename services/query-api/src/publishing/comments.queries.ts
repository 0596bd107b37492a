/** Comments [P10]: whoever may see the article may see what is said about it. */

import type { ListRequest } from '@annals/contracts/kit/list';
import { Problem } from '@annals/contracts/problems';
import { getComment, listComments } from '@annals/contracts/publishing/comment.routes';
import { representation } from '@annals/platform/http/conditional';
import { bind } from '@annals/platform/http/types';
import { joinPerson, personJson } from '../identity/person-json.ts';
import type { ListSource } from '../lists/source.ts';
import { all, raw, type Sql, sql } from '../lists/sql.ts';
import { defineQueries } from '../queries.ts';
import { articleList, comments, profiles } from '../views.ts';
import { requireVisible, standingOf, type Viewer, viewerOf, visibleTo } from './standing.ts';

const views = [comments, profiles, articleList];
const columns = raw('c.part, c.whole, c.author_id');
const joins = joinPerson(raw('page.author_id'));

/** A comment as JSON text: a hidden one whole for moderators and whoever wrote it. */
function itemFor({ userId, canModerate = false }: Viewer): Sql {
  const seesAll = canModerate
    ? raw('true')
    : userId === null
      ? raw('false')
      : sql`page.author_id = ${userId}`;
  const part = sql`coalesce(case when ${seesAll} then page.whole end, page.part)`;
  return sql`${part} || ',"author":' || ${personJson(raw('page.author_id'))} || '}'`;
}

export const commentQueries = defineQueries((context) => [
  bind(listComments, (request) => {
    const { id } = request.params;
    const viewer = viewerOf(request.caller);
    return context.answerList(request, commentsOn(id, request.query, viewer), async (reader) => {
      requireVisible(viewer, await standingOf(reader, id));
    });
  }),
  bind(getComment, async (request) => {
    const { id } = request.params;
    const viewer = viewerOf(request.caller);
    const visible = visibleTo(viewer);
    const resources = () => [{ view: comments.name, key: id }];
    const { data, position, basis } = await context.read(
      request,
      { views, resources, isQuick: true },
      (reader) =>
        reader.rows<{ item: string; revision: number }>(
          sql`with page as (
            select ${columns}, (c.doc ->> 'revision')::integer as revision from ${comments.table} c join ${articleList.table} t on t.key = c.article_id
            where c.key = ${id} and ${all(visible)}
          ) select ${itemFor(viewer)} as item, page.revision from page ${joins}`,
        ),
    );
    const [comment] = data;
    if (!comment) throw new Problem('not-found', 'There is no such comment.');
    return representation(request, { revision: comment.revision, body: comment.item, position, basis });
  }),
]);

function commentsOn(articleId: string, { filters }: ListRequest, viewer: Viewer): ListSource {
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
    item: itemFor(viewer),
    ...(parents.length > 0
      ? {}
      : { count: sql`select t.comment_count from ${articleList.table} t where t.key = ${articleId}` }),
  };
}
