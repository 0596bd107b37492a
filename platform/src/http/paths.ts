/** The paths of the whole route table: which methods each takes, whichever service answers. */
import type { Route } from '@annals/contracts/kit/route';

/** The methods that the path of a URL takes; undefined where no route has such a path. */
export type AllowedMethods = (path: string) => readonly string[] | undefined;

/** Compiles the table. HEAD goes with GET, and OPTIONS with everything. */
export function compilePaths(routes: readonly Pick<Route, 'method' | 'path'>[]): AllowedMethods {
  const methodsByPath = new Map<string, Set<string>>();
  for (const { method, path } of routes) {
    const methods = methodsByPath.get(path) ?? new Set(['OPTIONS']);
    methodsByPath.set(path, methods.add(method));
    if (method === 'GET') methods.add('HEAD');
  }
  const patterns = [...methodsByPath].map(([path, methods]) => ({ pattern: toPattern(path), methods }));
  return (path) => {
    const matching = patterns.filter(({ pattern }) => pattern.test(path));
    if (matching.length === 0) return undefined;
    return [...new Set(matching.flatMap(({ methods }) => [...methods]))].sort();
  };
}

function toPattern(path: string): RegExp {
  const parts = path.split(/\{\w+\}/).map((part) => part.replaceAll('.', '\\.'));
  return new RegExp(`^${parts.join('[^/]+')}$`);
}

/** OpenAPI's `/a/{id}` in the router's notation, `/a/:id`. */
export function toRouterPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}
