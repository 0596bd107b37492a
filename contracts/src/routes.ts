/** The route table: every route of every service, found in the `*.routes.ts` files. */
import { discover, ofKind } from './kit/discover.ts';
import type { Route } from './kit/route.ts';

/** Checks that names and (method, path) pairs are unique; throws otherwise. */
export function buildRouteTable(routes: readonly Route[]): readonly Route[] {
  const seen = new Set<string>();
  for (const route of routes) {
    for (const key of [route.name, `${route.method} ${route.path.replace(/\{\w+\}/g, '{}')}`]) {
      if (seen.has(key)) throw new Error(`two routes share ${key}`);
      seen.add(key);
    }
  }
  return routes;
}

/** Every public route. */
export const routes: readonly Route[] = buildRouteTable(
  await discover(new URL('./', import.meta.url), '.routes.ts', ofKind<'route', Route>('route')),
);
