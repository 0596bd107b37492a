/**
 * Bad requests, generated from the route table: what every route must refuse with a precise problem before anything is
 * decided or read. Run in this process against stub handlers, and against the whole stack.
 */
import type { Method, Route } from '@annals/contracts/kit/route';
import type { BadRequest } from './bad-request.ts';
import { badBodies } from './bodies.ts';
import { badHeaders, badParameters, badPaths } from './parameters.ts';
import { baseRequest, type Reach, samplePath } from './sample.ts';
import { badTokens } from './tokens.ts';

/** All bad requests of one route. */
export function badRequests(route: Route, reach: Reach): BadRequest[] {
  const base = baseRequest(route, reach.authorization);
  return [
    ...badTokens(route, base, reach),
    ...badPaths(route, base),
    ...badParameters(route, base),
    ...badHeaders(route, base),
    ...badBodies(route, base),
  ].map((request) => ({ ...request, name: `${route.name}: ${request.name}` }));
}

const METHODS: readonly (Method | 'TRACE')[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE'];

/** Requests with methods that no route of the path takes. */
export function wrongMethods(routes: readonly Route[]): BadRequest[] {
  return [...new Set(routes.map(samplePath))].flatMap((path) => {
    const taken = routes.filter((route) => matches(route.path, path)).map(({ method }) => method);
    return METHODS.filter((method) => method === 'TRACE' || !taken.includes(method)).map((method) => ({
      name: `${method} ${path}`,
      method,
      path,
      headers: {},
      expected: { status: 405, code: 'method-not-allowed' },
    }));
  });
}

function matches(pattern: string, path: string): boolean {
  return new RegExp(`^${pattern.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`).test(path);
}
