/** Bad paths, query parameters and headers of a route. */
import type { Route } from '@annals/contracts/kit/route';
import type { ProblemCode } from '@annals/contracts/problems';
import type { BadRequest } from './bad-request.ts';
import { type BaseRequest, inputSchema, type ParameterSchemas, samplePath } from './sample.ts';

/** Paths that can name nothing. */
export function badPaths(route: Route, base: BaseRequest): BadRequest[] {
  const { properties = {} } = inputSchema(route.params) as ParameterSchemas;
  return Object.entries(properties).flatMap(([name, { format }]) => {
    const refused = (value: string, status: number, code: ProblemCode): BadRequest => ({
      ...base,
      name: `${name} ${value.slice(0, 20)}`,
      path: samplePath({ ...route, path: route.path.replace(`{${name}}`, value) }),
      expected: { status, code },
    });
    const uuids = format === 'uuid' ? ['not-a-uuid', '7', `${'0'.repeat(8)}-0000-0000-0000`] : [];
    return [
      ...[...uuids, 'x'.repeat(1_200), 'a%00b'].map((value) => refused(value, 404, 'not-found')),
      ...['%ff', '%c3%28'].map((value) => refused(value, 400, 'malformed-request')),
    ];
  });
}

/** Bad values by parameter name, for the parameters that all lists share. */
const BAD_LIST_VALUES: Readonly<Record<string, readonly string[]>> = {
  page: ['-1', '0', 'NaN', '1.5', '1e3', '99999999999999999999', '', '0x10', '1_000'],
  pageSize: ['-1', '0', '101', 'all', '99999999999999999999'],
  cursor: [''],
  sort: ['nothing', '-', 'a,a'],
  fields: ['nothing', ''],
  exclude: ['nothing'],
  search: ['', `${'x'.repeat(201)}`],
};

export function badParameters(route: Route, base: BaseRequest): BadRequest[] {
  const names = Object.keys((inputSchema(route.query) as ParameterSchemas).properties ?? {});
  const refused = (query: string, code: ProblemCode, parameter?: string): BadRequest => ({
    ...base,
    name: `?${query.slice(0, 40)}`,
    path: `${base.path}?${query}`,
    expected: { status: 400, code, ...(parameter === undefined ? {} : { mistake: { parameter } }) },
  });
  const first = names[0] ?? 'bogus';
  const isList = names.includes('page') && names.includes('pageSize');
  return [
    refused('bogus=1', 'unknown-parameter', 'bogus'),
    refused('__proto__=1', 'unknown-parameter', '__proto__'),
    refused(`${first}=1&${first}=2`, 'unknown-parameter', first),
    refused('a=%ff', 'malformed-request'),
    ...names.map((name) => refused(`${encodeURIComponent(name)}=a%00b`, 'invalid-parameter', name)),
    ...(isList ? names : []).flatMap((name) =>
      (BAD_LIST_VALUES[name] ?? []).map((value) => refused(`${name}=${value}`, 'invalid-parameter', name)),
    ),
    ...(isList ? [refused('page=1000&pageSize=100', 'page-too-deep', 'page')] : []),
  ];
}

/** Bad values of the headers that each style honours. */
const BAD_HEADERS: Readonly<Record<Route['style'], readonly (readonly [name: string, value: string])[]>> = {
  command: [
    ['If-Match', '7'],
    ['If-Match', '"abc"'],
    ['If-Match', '"1", "2"'],
    ['Idempotency-Key', 'with a space'],
    ['Idempotency-Key', 'x'.repeat(256)],
  ],
  query: [
    ['Annals-Min-Position', '7'],
    ['Annals-Min-Position', 'x'.repeat(1_000)],
    ['If-None-Match', 'unquoted'],
  ],
  plain: [],
};

export function badHeaders(route: Route, base: BaseRequest): BadRequest[] {
  return BAD_HEADERS[route.style].map(([header, value]) => ({
    ...base,
    name: `${header}: ${value.slice(0, 20)}`,
    headers: { ...base.headers, [header]: value },
    expected: { status: 400, code: 'invalid-parameter', mistake: { header } },
  }));
}
