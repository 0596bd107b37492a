import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineRoute, type Route } from './kit/route.ts';
import { problems } from './problems.ts';
import { buildRouteTable, routes } from './routes.ts';

/** Everything else is below `/v1`. */
const ELSEWHERE = /^\/(\.well-known\/|(openapi\.json|asyncapi\.yaml)$|docs(\/|$))/;
const COMMANDS = ['POST', 'PUT', 'PATCH', 'DELETE'];

const named = routes.map((route) => [`${route.method} ${route.path}`, route] as const);

function sample(changes: Partial<Parameters<typeof defineRoute>[0]> = {}): Route {
  return defineRoute({
    name: 'getThing',
    method: 'GET',
    path: '/v1/things',
    service: 'query-api',
    tag: 'things',
    summary: 'Things',
    access: 'anyone',
    success: { status: 200 },
    ...changes,
  });
}

describe('the route table', () => {
  it.each(named)('%s says what it does, stands below /v1 and has a context', (_, route) => {
    expect(route.summary).toMatch(/^[A-Z].{7,}[^.]$/);
    expect(route.name).toMatch(/^[a-z][A-Za-z]+$/);
    expect(route.tag).toMatch(/^[a-z]+$/);
    if (!ELSEWHERE.test(route.path)) expect(route.path).toMatch(/^\/v1(\/[a-z-]+|\/\{[A-Za-z]+\})+$/);
  });

  it.each(named)('%s is where such routes are: commands in command-api, queries in query-api', (_, route) => {
    if (COMMANDS.includes(route.method)) expect(route.service).toBe('command-api');
    if (route.style === 'query') expect([route.method, route.service]).toEqual(['GET', 'query-api']);
    if (route.style === 'command') expect(COMMANDS).toContain(route.method);
  });

  it.each(named)('%s has schemas for what its path, body and answer hold', (_, route) => {
    const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(Object.keys((route.params as z.ZodObject).shape)).toEqual(inPath);
    if (route.method !== 'GET' && route.body) {
      expect(
        route.body.safeParse({ unheardOf: 1 }).error?.issues.some(({ code }) => code === 'unrecognized_keys'),
      ).toBe(true);
    } else expect(route.body).toBeUndefined();
    // Work that goes on may have an answer, or none.
    if (route.success.status !== 202)
      expect(route.success.schema === undefined).toBe([101, 204].includes(route.success.status));
  });

  it.each(named)('%s refuses query parameters that it does not know', (_, route) => {
    const result = route.query.safeParse({ unheardOf: '1' });
    expect(result.error?.issues.map(({ code }) => code)).toContain('unrecognized_keys');
  });

  it.each(named)(
    '%s throttles log-ins and refreshes as such, and lets only the catalogue’s problems out',
    (_, route) => {
      const isLogin = route.name === 'createSession' || route.path.startsWith('/v1/password-resets');
      expect(route.throttle === 'login').toBe(isLogin);
      expect(route.throttle === 'refresh').toBe(route.name === 'refreshSession');
      for (const code of route.problems) expect(Object.keys(problems)).toContain(code);
    },
  );

  it('creates with 201 only by POST', () => {
    for (const route of routes) if (route.success.status === 201) expect(route.method).toBe('POST');
  });
});

describe('buildRouteTable', () => {
  it('refuses two routes of one name, or of one method and path whatever the parameters are called', () => {
    expect(() => buildRouteTable([sample(), sample({ path: '/v1/others' })])).toThrow('getThing');
    const byId = sample({
      name: 'getOne',
      path: '/v1/things/{id}',
      params: z.strictObject({ id: z.string() }),
    });
    const bySlug = sample({
      name: 'other',
      path: '/v1/things/{slug}',
      params: z.strictObject({ slug: z.string() }),
    });
    expect(() => buildRouteTable([byId, bySlug])).toThrow('/v1/things/{}');
    expect(buildRouteTable([sample(), byId])).toHaveLength(2);
  });

  it('refuses a path with parameters that have no schema', () => {
    expect(() => sample({ path: '/v1/things/{id}' })).toThrow('no schema');
  });
});
