/** Bad bodies of a route. */
import type { Route } from '@annals/contracts/kit/route';
import type { ProblemCode } from '@annals/contracts/problems';
import type { BadRequest } from './bad-request.ts';
import { type BodySchema, badValues } from './bad-values.ts';
import { type BaseRequest, inputSchema } from './sample.ts';

const TEN_MEGABYTES = Buffer.concat([
  Buffer.from('{"a":"'),
  Buffer.alloc(10 * 1024 * 1024, 'x'),
  Buffer.from('"}'),
]);
const BAD_UTF8 = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xc3, 0x28]), Buffer.from('"}')]);
const DEEP = `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;

export function badBodies(route: Route, base: BaseRequest): BadRequest[] {
  // Not every HTTP client can send a body with a GET.
  if (route.method === 'GET') return [];
  return [
    ...badEncodings(route, base),
    ...(route.body ? badContents(route.body, base) : [unexpectedBody(base)]),
  ];
}

const JSON_TYPE = 'application/json';

function badEncodings({ body, bodyOptional }: Route, base: BaseRequest): BadRequest[] {
  const refused = (
    name: string,
    payload: string | Buffer,
    status: number,
    code: ProblemCode,
    headers: Record<string, string> = { 'content-type': JSON_TYPE },
  ): BadRequest => ({
    ...base,
    name,
    headers: { ...base.headers, ...headers },
    body: payload,
    expected: { status, code },
  });
  return [
    ...['{', '{"a":1}}', "{'a':1}", 'undefined', '{"a":NaN}'].map((text) =>
      refused(`malformed JSON ${text}`, text, 400, 'malformed-json'),
    ),
    ...(body && !bodyOptional ? [refused('empty body', '', 400, 'malformed-json')] : []),
    refused('body that is not UTF-8', BAD_UTF8, 400, 'malformed-json'),
    refused('body nested too deeply', DEEP, 400, 'malformed-json'),
    refused('body of 10 MB', TEN_MEGABYTES, 413, 'body-too-large'),
    ...['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'garbage'].map(
      (type) =>
        refused(`body of type ${type}`, '{"a":1}', 415, 'unsupported-media-type', { 'content-type': type }),
    ),
    refused('body in another charset', '{"a":1}', 415, 'unsupported-media-type', {
      'content-type': `${JSON_TYPE}; charset=utf-16`,
    }),
    refused('compressed body', '{"a":1}', 415, 'unsupported-media-type', {
      'content-type': JSON_TYPE,
      'content-encoding': 'gzip',
    }),
  ];
}

function badContents(body: NonNullable<Route['body']>, base: BaseRequest): BadRequest[] {
  const generated = badValues(inputSchema(body) as BodySchema).map(({ what, path, body: value }) =>
    invalid(base, what, JSON.stringify(value), path),
  );
  return [...generated, invalid(base, 'member __proto__', '{"__proto__":{"isAdmin":true}}', ['__proto__'])];
}

function unexpectedBody(base: BaseRequest): BadRequest {
  return invalid(base, 'body where there is none', '{"notAField":1}', ['notAField']);
}

function invalid(base: BaseRequest, name: string, body: string, path: readonly string[]): BadRequest {
  const pointer = path.map((key) => `/${key}`).join('');
  return {
    ...base,
    name,
    headers: { ...base.headers, 'content-type': JSON_TYPE },
    body,
    expected: { status: 422, code: 'validation-failed', mistake: { pointer } },
  };
}
