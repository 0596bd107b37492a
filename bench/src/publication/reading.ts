/** Requests that readers with tokens send. */
import type { LoadRequest } from '../kit/http-load.ts';

export function headersOf(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** GETs of all paths, at least one by each reader; without tokens nobody is signed in. */
export function reads(tokens: readonly string[], paths: readonly string[]): LoadRequest[] {
  return Array.from({ length: Math.max(tokens.length, paths.length) }, (_, index) => {
    const token = tokens[index % tokens.length];
    const headers = token === undefined ? {} : headersOf(token);
    return { method: 'GET', path: paths[index % paths.length] ?? '', headers };
  });
}

/** `count` numbers of articles, spread over all of them. */
export function spread(articles: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => 1 + Math.floor((index / count) * articles));
}

/** Words of the corpus, rare and frequent ones, and a phrase. */
export const SEARCHES = [
  'stream',
  'websocket',
  'schema',
  'promise',
  'license',
  'transaction isolation',
  'markdown heading',
  '"event loop"',
];
