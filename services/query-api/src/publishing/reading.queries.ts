/** What there is to read [P8]: the feed, and what trends. */
import { listFeed, listTrending } from '@annals/contracts/publishing/reading.routes';
import {
  articleTrendsView,
  TREND_WINDOWS,
  type TrendWindow,
  windowMs,
} from '@annals/contracts/publishing/trends';
import { bind } from '@annals/platform/http/types';
import { signedIn } from '../identity/signed-in.ts';
import type { ListSource } from '../lists/source.ts';
import { all, raw, sql } from '../lists/sql.ts';
import { defineQueries } from '../queries.ts';
import { articleCounters, articleList, defineView, follows } from '../views.ts';
import { articleShape, articleViews } from './article-source.ts';
import { PUBLIC } from './standing.ts';

const trends = defineView(articleTrendsView);
/** Windows begin at whole minutes. */
const MINUTE_MS = 60_000;

export const readingQueries = defineQueries((context) => [
  bind(listFeed, (request) => context.answerList(request, feedOf(signedIn(request.caller)))),
  bind(listTrending, (request) => {
    const { window } = request.query.parameters ?? {};
    const wanted = TREND_WINDOWS.find((known) => known === window) ?? '7d';
    return context.answerList(request, trendingIn(wanted, Date.now()));
  }),
]);

/** As many authors as the reader follows are asked for their newest, each by an index. */
function feedOf(userId: string): ListSource {
  const followed = sql`select f.user_id from ${follows.table} f where f.follower_id = ${userId}`;
  return {
    ...articleShape,
    views: [...articleViews, follows, articleCounters],
    branches: sql`(${followed}) followed`,
    from: sql`${articleList.table} t`,
    where: [PUBLIC, raw('t.author_id = followed.user_id')],
    defaultOrder: [{ field: 'publishedAt', descending: true }],
    count: sql`select coalesce(sum(c.count), 0) from (${followed}) followed
      join ${articleCounters.table} c on c.key = 'author:' || followed.user_id`,
  };
}

/** The scores of what was published within the window begin where the window does, so the index gives little else. */
function trendingIn(window: TrendWindow, now: number): ListSource {
  const minute = Math.floor(now / MINUTE_MS);
  const start = new Date(minute * MINUTE_MS - windowMs(window));
  const score = raw(`r.score_${window}`);
  const inWindow = all([
    raw('r.is_public'),
    sql`${score} >= ${start.getTime()}::bigint`,
    sql`r.published_at >= ${start.toISOString()}::timestamptz`,
  ]);
  return {
    ...articleShape,
    views: [...articleViews, trends],
    from: sql`${trends.table} r join ${articleList.table} t on t.key = r.key`,
    where: [inWindow, PUBLIC],
    // What is public is so in both views, but for the moment that one of them lags.
    counted: sql`${trends.table} r where ${inWindow}`,
    key: raw('r.key'),
    sort: { trend: { value: score, type: 'bigint' } },
    defaultOrder: [{ field: 'trend', descending: true }],
    until: (minute + 1) * MINUTE_MS,
  };
}
