/** Problems as RFC 9457 answers. */
import { Problem, type ProblemCode, problems } from '@annals/contracts/problems';
import { EventStoreUnavailable } from '../event-store/port.ts';
import { isTransient as isTransientOfMongo } from '../mongodb/errors.ts';
import { isTransient } from '../postgres/errors.ts';
import type { RouteResponse } from './types.ts';

const PROBLEM_MEDIA_TYPE = 'application/problem+json; charset=utf-8';

/** Where a problem occurred. */
export interface ProblemContext {
  readonly publicUrl: string;
  /** The path of the request, without its query: that may carry personal data. */
  readonly instance: string;
  readonly traceId: string;
}

/** The answer that tells the client of `problem`. */
export function problemResponse(problem: Problem, context: ProblemContext): RouteResponse {
  const { status, title } = problems[problem.code];
  const document = {
    type: `${context.publicUrl}/docs/problems/${problem.code}`,
    title,
    status,
    detail: problem.message,
    instance: context.instance,
    code: problem.code,
    traceId: context.traceId,
    ...(problem.mistakes.length > 0 ? { errors: problem.mistakes } : {}),
    ...problem.extra,
  };
  return { status, headers: problemHeaders(problem, status), body: JSON.stringify(document) };
}

function problemHeaders(problem: Problem, status: number): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': PROBLEM_MEDIA_TYPE, 'cache-control': 'no-store' };
  if (status === 401) headers['www-authenticate'] = challenge(problem.code);
  if (status === 426) headers.upgrade = 'websocket';
  const retryAfter = problem.retryAfter ?? (status === 503 || status === 429 ? 1 : undefined);
  if (retryAfter !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfter)));
  return headers;
}

/** RFC 6750: a token that was refused is named as the reason. */
function challenge(code: ProblemCode): string {
  return code === 'token-expired' ? 'Bearer error="invalid_token", error_description="expired"' : 'Bearer';
}

/** Any thrown value as a problem. What is not one already becomes one that tells nothing; the caller logs it. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { code, statusCode } = (typeof error === 'object' && error !== null ? error : {}) as FastifyLike;
  if (code !== undefined && code in FASTIFY_PROBLEMS) {
    const [problemCode, detail] = FASTIFY_PROBLEMS[code] ?? UNKNOWN;
    return new Problem(problemCode, detail, { cause: error });
  }
  if (code?.startsWith('FST_') && statusCode !== undefined && statusCode < 500) {
    return new Problem('malformed-request', 'The request could not be understood.', { cause: error });
  }
  if (error instanceof EventStoreUnavailable || isTransient(error) || isTransientOfMongo(error)) {
    const detail = 'The store can not be reached right now; try again.';
    return new Problem('unavailable', detail, { cause: error, retryAfter: 1 });
  }
  return new Problem(...UNKNOWN, { cause: error });
}

interface FastifyLike {
  readonly code?: string;
  readonly statusCode?: number;
}

const UNKNOWN = ['internal-error', 'Something went wrong. The trace id tells us where to look.'] as const;

const FASTIFY_PROBLEMS: Readonly<Record<string, readonly [ProblemCode, string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', 'Send the body as application/json in UTF-8.'],
  FST_ERR_BAD_URL: ['malformed-request', 'The path has an invalid percent escape.'],
  FST_ERR_MAX_PARAM_LENGTH: ['not-found', 'There is no such resource.'],
};
