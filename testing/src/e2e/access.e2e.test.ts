import { setAvatar } from '@annals/contracts/identity/avatar.routes';
import { requestExport } from '@annals/contracts/identity/privacy.routes';
import { getMe } from '@annals/contracts/identity/user.routes';
import type { Route } from '@annals/contracts/kit/route';
import {
  createArticle,
  getArticle,
  listHistory,
  publishArticle,
} from '@annals/contracts/publishing/article.routes';
import { createCategory, getCategory } from '@annals/contracts/publishing/category.routes';
import { addComment, getComment } from '@annals/contracts/publishing/comment.routes';
import { routes } from '@annals/contracts/routes';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { PIXEL } from '../fixtures/pixel.ts';
import { Api, after, uniqueName } from './client.ts';
import { newPerson, type Person } from './people.ts';

/**
 * The access matrix, generated from the route table: every route, called by an anonymous caller, another user, the
 * owner and staff. What is asserted is whether the caller got past authorisation: 401 and 403 (404 for what may not be
 * known of) are refusals, anything else is not.
 */
const url = inject('stackUrl');
let owner: Person;
let other: Person;
let staff: Api;
let draft: string;
let publication: string;
let comment: string;
let category: string;
let avatar: string;
/** An export of each caller's own, by token: nobody may know of another's. */
const exportIds = new Map<string | undefined, string>();

beforeAll(async () => {
  owner = await newPerson(url, 'owner');
  other = await newPerson(url, 'other');
  staff = new Api(url, inject('adminToken'));
  const newArticle = async () =>
    (
      await owner.api.ok(createArticle, {
        body: { title: `Matrix ${uniqueName('article')}`, content: '<p>x</p>' },
      })
    ).body.id;
  draft = await newArticle();
  publication = await newArticle();
  await owner.api.ok(publishArticle, { params: { id: publication } });
  const added = await other.api.ok(addComment, { params: { id: publication }, body: { content: 'x' } });
  comment = added.body.id;
  const named = await staff.ok(createCategory, { body: { name: uniqueName('Matrix') } });
  category = named.body.id;
  const pictured = await owner.api.ok(setAvatar, { body: { image: PIXEL } });
  const { avatarUrl } = (await owner.api.ok(getMe, after(pictured))).body as { avatarUrl: string };
  avatar = avatarUrl.slice(avatarUrl.lastIndexOf('/') + 1);
  for (const api of [owner.api, other.api, staff])
    exportIds.set(api.token, (await api.ok(requestExport)).body.id);
  // Whatever view a query reads, it has got here.
  await owner.api.ok(getArticle, { params: { idOrSlug: publication }, ...after(added) });
  await owner.api.ok(getComment, { params: { id: comment }, ...after(added) });
  await owner.api.ok(getCategory, { params: { idOrSlug: category }, ...after(named) });
  await owner.api.ok(listHistory, { params: { id: publication }, ...after(added) });
});

/** What the parameters of `route` are to be, so that they name something there is. */
function paramsOf({ path }: Route, api: Api, article: string): Record<string, string> {
  const common = { permission: 'can_publish', idOrUsername: owner.id, revision: '0', code: 'not-found' };
  const ids: Record<string, string> = {
    '/v1/comments/': comment,
    '/v1/categories/': category,
    '/v1/users/': owner.id,
    '/v1/avatars/': avatar,
    '/v1/me/exports/': exportIds.get(api.token) ?? article,
  };
  const [, id = article] = Object.entries(ids).find(([prefix]) => path.startsWith(prefix)) ?? [];
  return { ...common, id, idOrSlug: id, file: 'swagger-ui.css' };
}

/** Whether `api` gets past the authorisation of `route` on `article`. A body of `null` is never valid, so nothing is done. */
async function passes(api: Api, route: Route, article: string): Promise<boolean> {
  const params = paramsOf(route, api, article);
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) => params[name] ?? 'x');
  const response = await fetch(`${api.baseUrl}${path}`, {
    method: route.method,
    headers: {
      prefer: 'wait=10',
      'if-match': '"999999"',
      ...(api.token ? { authorization: `Bearer ${api.token}` } : {}),
      ...(route.body ? { 'content-type': 'application/json' } : {}),
    },
    ...(route.body ? { body: JSON.stringify(validBody(route)) } : {}),
  });
  await response.arrayBuffer();
  expect(response.status, `${route.method} ${path}`).toBeLessThan(500);
  return ![401, 403, 404].includes(response.status);
}

/** A body that is valid where it matters for authorisation; If-Match 999999 keeps commands from acting. */
function validBody(route: Route): object {
  const bodies: Record<string, object> = {
    updateArticle: { tags: ['x'] },
    replaceArticle: { title: 'Matrix title', content: '', tags: [] },
    updateMe: { bio: 'x' },
    addComment: { content: 'x' },
  };
  return bodies[route.name] ?? {};
}

/** Routes that only callers without a token try here, and why. */
const untried: Readonly<Record<string, string>> = {
  endSession: 'would log the callers of this test out',
  endSessions: 'would log the callers of this test out',
  openPush: 'upgrades to a socket; who may see which channel is told there',
};
const matrix = routes.filter(({ name }) => !(name in untried));

test('I6 leaves no route out but those that end the test’s own sessions or are no request', async () => {
  const others = routes.filter(({ name }) => name in untried);
  expect(others.map(({ name }) => name).sort()).toEqual(Object.keys(untried).sort());
  for (const route of others)
    expect(await passes(new Api(url), route, publication), route.name).toBe(route.access === 'anyone');
});

describe.each(matrix.map((route) => [route.name, route] as const))('%s', (_, route) => {
  test('admits exactly those whom the route table names', async () => {
    expect(await passes(new Api(url), route, publication)).toBe(route.access === 'anyone');
    expect(await passes(other.api, route, publication)).toBe(['anyone', 'user'].includes(route.access));
    expect(await passes(owner.api, route, publication)).toBe(
      ['anyone', 'user', 'owner'].includes(route.access),
    );
    expect(await passes(staff, route, publication)).toBe(true);
  });

  if (/^\/v1\/articles\/\{\w+\}/.test(route.path)) {
    test('hides a draft from everyone but its owner and staff', async () => {
      expect(await passes(new Api(url), route, draft)).toBe(false);
      expect(await passes(other.api, route, draft)).toBe(false);
    });
  }
});
