/** Likes that change something each time: a reader likes every article once, and takes it back when all are liked. */
import type { LoadRequest } from '../kit/http-load.ts';

/** Requests of one run at most. */
const WINDOW = 10_000;

/** Gives the next requests, at each call such as were not given before; none of two calls within a cycle are alike. */
export function createLikes(
  headers: readonly Readonly<Record<string, string>>[],
  paths: readonly string[],
): () => LoadRequest[] {
  const pairs = headers.length * paths.length;
  let next = 0;
  return () =>
    Array.from({ length: WINDOW }, () => {
      const at = next++;
      return {
        method: Math.floor(at / pairs) % 2 === 0 ? 'PUT' : 'DELETE',
        path: paths[Math.floor(at / headers.length) % paths.length] ?? '',
        headers: headers[at % headers.length] ?? {},
      };
    });
}
