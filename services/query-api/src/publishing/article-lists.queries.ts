/** Lists of articles [P5, P6, P8] and of those who like one [P9]. */
import { listArticles, listLikers, listMyArticles } from '@annals/contracts/publishing/article.routes';
import { bind } from '@annals/platform/http/types';
import { joinPerson, personJson } from '../identity/person-json.ts';
import { signedIn } from '../identity/signed-in.ts';
import type { ListSource } from '../lists/source.ts';
import { raw, sql } from '../lists/sql.ts';
import { defineQueries } from '../queries.ts';
import { articleList, likes, profiles } from '../views.ts';
import { ownArticles, visibleArticles } from './article-source.ts';
import { requireVisible, standingOf, viewerOf } from './standing.ts';

export const articleLists = defineQueries((context) => [
  bind(listArticles, (request) =>
    context.answerList(request, visibleArticles(viewerOf(request.caller), request.query)),
  ),
  bind(listMyArticles, (request) =>
    context.answerList(request, ownArticles(signedIn(request.caller), request.query)),
  ),
  bind(listLikers, (request) => {
    const { id } = request.params;
    return context.answerList(request, likersOf(id), async (reader) => {
      requireVisible(viewerOf(request.caller), await standingOf(reader, id));
    });
  }),
]);

function likersOf(articleId: string): ListSource {
  return {
    views: [likes, profiles, articleList],
    from: sql`${likes.table} l`,
    where: [sql`l.article_id = ${articleId}`],
    key: raw('l.key'),
    sort: { likedAt: { value: raw('l.liked_at'), type: 'timestamptz' } },
    defaultOrder: [{ field: 'likedAt', descending: true }],
    columns: raw('l.user_id'),
    joins: joinPerson(raw('page.user_id')),
    item: personJson(raw('page.user_id')),
    count: sql`select t.like_count from ${articleList.table} t where t.key = ${articleId}`,
  };
}
