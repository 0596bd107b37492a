/** Routes of what there is to read: the reader's feed, and what trends [P8]. */
import { z } from 'zod';
import { listOf, listQuery } from '../kit/list.ts';
import { answers, defineRoute } from '../kit/route.ts';
import { TREND_WINDOWS } from './trends.ts';
import { articleSummary, articleSummaryFields } from './views.ts';

const tag = 'publishing';

export const listFeed = defineRoute({
  name: 'listFeed',
  method: 'GET',
  path: '/v1/feed',
  service: 'query-api',
  tag,
  summary: 'What those whom the caller follows have published, the newest first',
  access: 'user',
  query: listQuery({ fields: articleSummaryFields }),
  success: answers(listOf(articleSummary)),
});

export const listTrending = defineRoute({
  name: 'listTrending',
  method: 'GET',
  path: '/v1/trending',
  service: 'query-api',
  tag,
  summary: 'What was published within the window, by likes and recency',
  access: 'anyone',
  query: listQuery({
    fields: articleSummaryFields,
    parameters: {
      window: z.enum(TREND_WINDOWS).meta({
        description:
          'How far back, default 7d. Twice as many likes weigh as much as a seventh of the window in recency',
      }),
    },
  }),
  success: answers(listOf(articleSummary)),
});
