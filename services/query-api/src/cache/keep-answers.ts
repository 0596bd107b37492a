/** Routes whose answers are kept for callers. */
import { Basis } from '@annals/platform/consumer/coherence';
import { isKnown } from '@annals/platform/http/conditional';
import type { BoundRoute, RouteResponse } from '@annals/platform/http/types';
import type { Answers } from './answers.ts';

/** The route, which gives a kept answer where there is one, and keeps what it made. */
export function keepAnswers(route: BoundRoute, answers: Answers): BoundRoute {
  if (route.route.method !== 'GET' || route.route.access !== 'anyone') return route;
  return {
    ...route,
    async handler(request) {
      const { caller, url } = request;
      const kept = answers.recall(caller, url, request.minPosition ?? undefined);
      if (kept) {
        const headers = { ...kept.headers, 'annals-position': kept.position };
        return isKnown(request, kept.headers.etag ?? '')
          ? { status: 304, headers }
          : { status: 200, headers, body: kept.body };
      }
      const response = await route.handler(request);
      keep(answers, request, response);
      return response;
    },
  };
}

function keep(
  answers: Answers,
  { caller, url }: Parameters<BoundRoute['handler']>[0],
  { status, headers = {}, body, basis, until }: RouteResponse,
): void {
  if (status !== 200 || typeof body !== 'string' || !(basis instanceof Basis)) return;
  answers.keep(caller, url, { body, headers, basis, until });
}
