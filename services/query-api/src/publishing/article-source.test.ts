import { listArticles, listMyArticles } from '@annals/contracts/publishing/article.routes';
import { expect, test } from 'vitest';
import { planList } from '../lists/plan.ts';
import { ownArticles, visibleArticles } from './article-source.ts';
import type { Viewer } from './standing.ts';

const anonymous: Viewer = { userId: null, isStaff: false };

function isQuick(query: string, viewer = anonymous): boolean {
  const request = listArticles.query?.parse(Object.fromEntries(new URLSearchParams(query)));
  if (!request) throw new Error('the route has a query');
  return planList('/v1/articles', request, visibleArticles(viewer, request)).isQuick;
}

test.each([
  '',
  'sort=-likeCount',
  'author=ada',
  'author=ada&sort=-publishedAt',
  'sort=publishedAt',
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
  'author=ada&sort=publishedAt',
  'sort=title,-likeCount',
  'isFeatured=true',
  'page=400',
])('the list with %j has connections of its own: it may take long', (query) =>
  expect(isQuick(query)).toBe(false),
);

test('a list that has to be counted may take long', () => {
  expect(isQuick('', { userId: null, isStaff: true })).toBe(false);
});

test('oldest first, others’ drafts have to be skipped: that may take long', () => {
  const reader = { userId: 'ada', isStaff: false };
  expect(isQuick('cursor=start', reader)).toBe(true);
  expect(isQuick('cursor=start&sort=publishedAt', reader)).toBe(false);
});

test('one’s own articles may take long: no index has them by their creation', () => {
  const request = listMyArticles.query?.parse({ cursor: 'start' });
  if (!request) throw new Error('the route has a query');
  expect(planList('/v1/me/articles', request, ownArticles('ada', request)).isQuick).toBe(false);
});
