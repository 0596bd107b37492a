import { listArticles } from '@annals/contracts/publishing/article.routes';
import { expect, test } from 'vitest';
import { planList } from '../lists/plan.ts';
import { visibleArticles } from './article-source.ts';

const anonymous = { userId: null, isStaff: false };

function isQuick(query: string, viewer = anonymous): boolean {
  const request = listArticles.query?.parse(Object.fromEntries(new URLSearchParams(query)));
  if (!request) throw new Error('the route has a query');
  return planList('/v1/articles', request, visibleArticles(viewer, request)).isQuick;
}

test.each([
  '',
  'sort=-likeCount',
  'author=ada',
  'author=ada&sort=publishedAt',
  'category=engines',
  'page=3',
  'cursor=start',
])('the list with %j shares connections: an index gives its page', (query) =>
  expect(isQuick(query)).toBe(true),
);

test.each([
  'search=engine',
  'tag=history',
  'title[contains]=on',
  'author=ada,grace',
  'author=ada&tag=history',
  'author=ada&sort=title',
  'sort=title,-likeCount',
  'isFeatured=true',
  'page=400',
])('the list with %j has connections of its own: it may take long', (query) =>
  expect(isQuick(query)).toBe(false),
);

test('a list that has to be counted may take long', () => {
  expect(isQuick('', { userId: null, isStaff: true })).toBe(false);
});
