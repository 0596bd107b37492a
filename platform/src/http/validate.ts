/** Checks a whole request against its route's schemas and refuses it once, with every mistake. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Route } from '@annals/contracts/kit/route';
import { type Mistake, Problem, type ProblemCode, problems } from '@annals/contracts/problems';
import { LRUCache } from 'lru-cache';
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
  const query = checkQuery(route, raw.url);
  const parameters: Mistake[] = [...query.mistakes];
  const conventions = readConventionHeaders(route.style, raw.headers, parameters);
  const body = json === undefined ? NO_BODY : checkBody(route, json);
  if (parameters.length > 0 || body.mistakes.length > 0) throw refusal(parameters, body.mistakes);
  return { ...conventions, params, query: query.value, body: body.value };
}

interface Checked {
  readonly value: unknown;
  readonly mistakes: readonly Mistake[];
}

const NO_BODY: Checked = { value: undefined, mistakes: [] };

/** Query strings that a route has accepted, with what they mean: most are sent again and again. */
const accepted = new WeakMap<RouteShape['query'] & object, LRUCache<string, Checked>>();
const MAX_ACCEPTED = 500;
const MAX_ACCEPTED_LENGTH = 500;

function checkQuery(route: RouteShape, url: string): Checked {
  const start = url.indexOf('?');
  const text = start < 0 ? '' : url.slice(start + 1);
  const known = accepted.get(route.query)?.get(text);
  if (known) return known;
  const query = parseQuery(url);
  const checked = check(route.query, query.values);
  const mistakes = [...query.mistakes, ...(checked.ok ? [] : checked.mistakes.map(toParameterMistake))];
  if (!checked.ok || mistakes.length > 0) return { value: undefined, mistakes };
  const result = { value: checked.value, mistakes };
  if (text.length <= MAX_ACCEPTED_LENGTH) remember(route, text, result);
  return result;
}

function remember(route: RouteShape, text: string, result: Checked): void {
  const texts = accepted.get(route.query) ?? new LRUCache<string, Checked>({ max: MAX_ACCEPTED });
  accepted.set(route.query, texts);
  texts.set(text, result);
}

/** Undefined where there is none, and none is wanted. */
function readJson(route: RouteShape, raw: RawRequest): unknown {
  if (raw.body.length === 0 && !route.body) return undefined;
  if (raw.body.length === 0 && route.bodyOptional) return {};
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
function checkBody(route: RouteShape, json: unknown): Checked {
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
