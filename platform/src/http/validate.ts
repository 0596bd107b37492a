/** Checks a whole request against its route's schemas and refuses it once, with every mistake. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Route } from '@annals/contracts/kit/route';
import { type Mistake, Problem, type ProblemCode, problems } from '@annals/contracts/problems';
import { z } from 'zod';
import { type ConventionHeaders, readConventionHeaders } from './headers.ts';
import { inspectJson, isStorable, parseJson, requireJson, toPointer } from './json-body.ts';
import { parseQuery } from './query-string.ts';
import { check } from './schema-mistakes.ts';

/** What of a route counts for validation. */
export type RouteShape = Pick<Route, 'params' | 'query' | 'body' | 'bodyOptional' | 'style'>;

/** A request before validation; `body` is empty where there is none. */
export interface RawRequest {
  readonly url: string;
  readonly params: unknown;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface ValidRequest extends ConventionHeaders {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

/** More mistakes than this are not listed. */
const MAX_MISTAKES = 100;
const nothing = z.strictObject({});

/**
 * Throws, in this order: `unsupported-media-type` or `malformed-json`; `not-found` where a path parameter can't name
 * anything; `unknown-parameter`; `invalid-parameter` (or the catalogue's code that all such mistakes share);
 * `validation-failed` for the body. Mistakes of later steps are listed with those of the first.
 */
export function validate(route: RouteShape, raw: RawRequest): ValidRequest {
  const json = readJson(route, raw);
  const params = checkParams(route, raw.params);
  const query = parseQuery(raw.url);
  const parameters: Mistake[] = [...query.mistakes];
  const parsedQuery = check(route.query, query.values);
  if (!parsedQuery.ok) parameters.push(...parsedQuery.mistakes.map(toParameterMistake));
  const conventions = readConventionHeaders(route.style, raw.headers, parameters);
  const body = checkBody(route, json);
  if (!parsedQuery.ok || parameters.length > 0 || body.mistakes.length > 0)
    throw refusal(parameters, body.mistakes);
  return { ...conventions, params, query: parsedQuery.value, body: body.value };
}

function readJson(route: RouteShape, raw: RawRequest): unknown {
  if (raw.body.length === 0 && (route.bodyOptional || !route.body)) return {};
  if (raw.body.length > 0) requireJson(raw.headers['content-type'], raw.headers['content-encoding']);
  return parseJson(raw.body);
}

function checkParams(route: RouteShape, params: unknown): unknown {
  const checked = check(route.params, params);
  const texts = Object.values(params as Record<string, string>);
  if (checked.ok && texts.every(isStorable)) return checked.value;
  throw new Problem('not-found', 'There is no such resource.');
}

/** A route without a body takes an empty object as well: some clients always send one. */
function checkBody(route: RouteShape, json: unknown): { value: unknown; mistakes: readonly Mistake[] } {
  const inspected = inspectJson(json);
  if (inspected.length > 0) return { value: undefined, mistakes: inspected };
  const checked = check(route.body ?? nothing, json);
  if (checked.ok) return { value: route.body ? checked.value : undefined, mistakes: [] };
  const mistakes = checked.mistakes.map(({ path, code, message }) => ({
    pointer: toPointer(path),
    code,
    message,
  }));
  return { value: undefined, mistakes };
}

function toParameterMistake({
  path,
  code,
  message,
}: {
  path: readonly PropertyKey[];
  code: string;
  message: string;
}): Mistake {
  return {
    parameter: String(path[0] ?? ''),
    code: code === 'unknown-field' ? 'unknown-parameter' : code,
    message,
  };
}

function refusal(parameters: readonly Mistake[], body: readonly Mistake[]): Problem {
  const mistakes = [...parameters, ...body].slice(0, MAX_MISTAKES);
  if (parameters.length === 0)
    return new Problem('validation-failed', 'The body has mistakes.', { mistakes });
  return new Problem(parameterProblem(parameters), 'The parameters or headers have mistakes.', { mistakes });
}

function parameterProblem(mistakes: readonly Mistake[]): ProblemCode {
  const codes = new Set(mistakes.map(({ code }) => code));
  if (codes.has('unknown-parameter') || codes.has('repeated-parameter')) return 'unknown-parameter';
  const [code] = codes;
  return codes.size === 1 && code !== undefined && isRequestProblem(code) ? code : 'invalid-parameter';
}

function isRequestProblem(code: string): code is ProblemCode {
  return Object.hasOwn(problems, code) && problems[code as ProblemCode].status === 400;
}
