import { beforeAll, expect, it } from 'vitest';
import { SAMPLE_ID, sampleServer } from './sample.fixture.ts';

let sample: Awaited<ReturnType<typeof sampleServer>>;
beforeAll(async () => {
  sample = await sampleServer();
});

const asAda = { authorization: 'Bearer ada' };

async function post(url: string, body: string | Buffer, headers: Record<string, string> = {}) {
  const answer = await sample.server.inject({
    method: 'POST',
    url,
    headers: { ...asAda, 'content-type': 'application/json', ...headers },
    payload: body,
  });
  return { status: answer.statusCode, ...answer.json() };
}
const postNote = (body: unknown) => post('/v1/notes', JSON.stringify(body));

async function get(url: string, headers: Record<string, string> = {}) {
  const answer = await sample.server.inject({ method: 'GET', url, headers });
  return { status: answer.statusCode, ...answer.json() };
}

async function patch(url: string, body: unknown, headers: Record<string, string> = {}) {
  const answer = await sample.server.inject({
    method: 'PATCH',
    url,
    headers: { ...asAda, ...headers },
    payload: body as object,
  });
  return { status: answer.statusCode, ...answer.json() };
}

it('hands handlers the parsed values, not the raw ones', async () => {
  expect(await postNote({ title: '  a title ' })).toMatchObject({ status: 200, body: { title: 'a title' } });
  expect(await get('/v1/notes?sort=-title&title[contains]=a,b+c&pageSize=5')).toMatchObject({
    query: {
      page: 1,
      pageSize: 5,
      sort: [{ field: 'title', descending: true }],
      filters: [{ field: 'title', operator: 'contains', values: ['a', 'b c'] }],
    },
  });
});

it('answers a query string that comes again as it did the first time, on each route by its own schema', async () => {
  for (let time = 0; time < 2; time++) {
    expect(await get('/v1/notes?pageSize=5')).toMatchObject({ status: 200, query: { pageSize: 5 } });
    expect(await get('/v1/notes?pageSize=5&pageSize=6')).toMatchObject({ code: 'unknown-parameter' });
    expect(await get('/v1/notes/a?pageSize=5')).toMatchObject({ code: 'unknown-parameter' });
  }
});

it('lists all mistakes of a body at once, each with a pointer', async () => {
  const answer = await postNote({ title: 'abc', tags: ['ok', '', 7], 'a/b~': 1, secret: null });
  expect(answer).toMatchObject({ status: 422, code: 'validation-failed' });
  expect(answer.errors).toEqual([
    { pointer: '/title', code: 'too-short', message: 'must have at least 5 characters' },
    { pointer: '/tags/1', code: 'too-short', message: 'must have at least 1 character' },
    { pointer: '/tags/2', code: 'wrong-type', message: 'must be a string' },
    { pointer: '/secret', code: 'wrong-type', message: 'must be a string' },
    { pointer: '/a~1b~0', code: 'unknown-field', message: 'is not known' },
  ]);
});

it('says that a missing field is required', async () => {
  expect((await postNote({})).errors).toEqual([
    { pointer: '/title', code: 'required', message: 'is required' },
  ]);
  expect((await postNote([])).errors).toEqual([
    { pointer: '', code: 'wrong-type', message: 'must be an object' },
  ]);
});

it('lists mistakes of parameters, headers and body together; the parameters decide the code', async () => {
  const answer = await patch(`/v1/notes/${SAMPLE_ID}?dryRun=maybe`, { title: 1 }, { 'if-match': 'nonsense' });
  expect(answer).toMatchObject({ status: 400, code: 'invalid-parameter' });
  expect(answer.errors).toMatchObject([
    { parameter: 'dryRun', code: 'invalid-value', message: 'must be one of true, false' },
    { header: 'If-Match', code: 'invalid-format' },
    { pointer: '/title', code: 'wrong-type' },
  ]);
});

it('refuses unknown and repeated parameters before anything else about them', async () => {
  expect(await get('/v1/notes?bogus=1&page=x')).toMatchObject({
    status: 400,
    code: 'unknown-parameter',
    instance: '/v1/notes',
    errors: [
      { parameter: 'page', code: 'invalid-format', message: 'must be a whole number' },
      { parameter: 'bogus', code: 'unknown-parameter' },
    ],
  });
  expect(await get('/v1/notes?page=1&page=1')).toMatchObject({
    status: 400,
    code: 'unknown-parameter',
    errors: [{ parameter: 'page', code: 'repeated-parameter' }],
  });
  expect(await get('/v1/notes?__proto__=1&__proto__=2')).toMatchObject({
    status: 400,
    code: 'unknown-parameter',
  });
  expect(await get('/v1/notes/a-slug?x=1')).toMatchObject({ status: 400, code: 'unknown-parameter' });
});

it('takes the code of a mistake that the catalogue knows', async () => {
  expect(await get('/v1/notes?page=5001&pageSize=2')).toMatchObject({ status: 400, code: 'page-too-deep' });
  expect(await get('/v1/notes?page=5001&pageSize=2&cursor=x')).toMatchObject({ code: 'invalid-parameter' });
  const mixed = await get('/v1/notes?page=5001&pageSize=2', { 'if-none-match': 'nonsense' });
  expect(mixed).toMatchObject({
    code: 'invalid-parameter',
    errors: [{ code: 'page-too-deep' }, { header: 'If-None-Match' }],
  });
});

it.each(['-1', '0', 'NaN', '1e3', '99999999999999999999', '', '1.5', '%00'])(
  'refuses page=%s',
  async (page) => {
    expect(await get(`/v1/notes?page=${page}`)).toMatchObject({ status: 400, code: 'invalid-parameter' });
  },
);

it('refuses NUL in parameters, whatever their schema allows', async () => {
  expect(await get('/v1/notes?search=a%00b')).toMatchObject({
    status: 400,
    code: 'invalid-parameter',
    errors: [{ parameter: 'search', code: 'invalid-text' }],
  });
});

it('takes path parameters as long as their schema does', async () => {
  expect(await get(`/v1/notes/${'x'.repeat(250)}`)).toMatchObject({ status: 200 });
});

it('answers 404 for a path that can name nothing, also where the body has mistakes', async () => {
  expect(await patch('/v1/notes/not-a-uuid', { title: 1 })).toMatchObject({ status: 404, code: 'not-found' });
  expect(await get('/v1/notes/a%00b')).toMatchObject({ status: 404, code: 'not-found' });
  expect(await get(`/v1/notes/${'x'.repeat(251)}`)).toMatchObject({ status: 404, code: 'not-found' });
  expect(await get(`/v1/notes/${'x'.repeat(1_200)}`)).toMatchObject({ status: 404, code: 'not-found' });
});

it.each(['/v1/notes/%ff', '/v1/notes/%e0%a4', '/v1/notes?search=%ff', '/v1/notes?%zz=1'])(
  'refuses the invalid escape in %s',
  async (url) => {
    expect(await get(url)).toMatchObject({ status: 400, code: 'malformed-request' });
  },
);

it.each(['{', '', 'nope', '{"title": "a title"', '{"a":1}}', "{'a':1}", '[NaN]'])(
  'refuses the JSON %j',
  async (body) => {
    expect(await post('/v1/notes', body)).toMatchObject({ status: 400, code: 'malformed-json' });
  },
);

it('says of a missing body that it is missing, whatever its media type', async () => {
  const answer = await sample.server.inject({ method: 'POST', url: '/v1/notes', headers: asAda });
  expect(answer.json()).toMatchObject({
    status: 400,
    code: 'malformed-json',
    detail: expect.stringContaining('empty'),
  });
});

it('refuses bodies that are not UTF-8', async () => {
  const body = Buffer.concat([Buffer.from('{"title":"abcde'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
  expect(await post('/v1/notes', body)).toMatchObject({
    status: 400,
    code: 'malformed-json',
    detail: expect.stringContaining('UTF-8'),
  });
});

it('takes a body with a byte order mark', async () => {
  expect(await post('/v1/notes', '\ufeff{"title":"a title"}')).toMatchObject({ status: 200 });
});

it('refuses NUL and unpaired surrogates anywhere in a body, whatever its schema allows', async () => {
  expect(await post('/v1/notes', '{"title":"a title","secret":"a\\u0000b"}')).toMatchObject({
    status: 422,
    errors: [{ pointer: '/secret', code: 'invalid-text' }],
  });
  expect(await post('/v1/notes', '{"title":"a title","secret":"\\ud800"}')).toMatchObject({ status: 422 });
  expect(await post('/v1/notes', '{"title":"a title","x\\u0000":1}')).toMatchObject({ status: 422 });
});

it('refuses __proto__ members', async () => {
  expect(await post('/v1/notes', '{"title":"a title","__proto__":{"isAdmin":true}}')).toMatchObject({
    status: 422,
    errors: [{ pointer: '/__proto__', code: 'unknown-field' }],
  });
});

it('refuses JSON that is nested too deeply, without recursing into it', async () => {
  const nested = (depth: number) => `{"title":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  expect(await post('/v1/notes', nested(31))).toMatchObject({ status: 422, code: 'validation-failed' });
  expect(await post('/v1/notes', nested(32))).toMatchObject({ status: 400, code: 'malformed-json' });
  expect(await post('/v1/notes', nested(500_000))).toMatchObject({ status: 400, code: 'malformed-json' });
});

it('lists at most 100 mistakes', async () => {
  const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`field${index}`, 1]));
  expect((await postNote(many)).errors).toHaveLength(100);
});

it('never quotes what was sent', async () => {
  const answer = await postNote({ title: 'abcde', secret: { hunter2: 'hunter2' }, tags: 'hunter2' });
  expect(JSON.stringify(answer.errors)).not.toContain('hunter2');
});

it.each([
  ['text/plain', undefined],
  ['application/x-www-form-urlencoded', undefined],
  ['application/json; charset=iso-8859-1', undefined],
  ['application/json, text/plain', undefined],
  ['garbage', undefined],
  ['application/json', 'gzip'],
])('refuses the media type %s, encoding %s', async (contentType, encoding) => {
  const headers = { 'content-type': contentType, ...(encoding ? { 'content-encoding': encoding } : {}) };
  expect(await post('/v1/notes', '{"title":"a title"}', headers)).toMatchObject({
    status: 415,
    code: 'unsupported-media-type',
  });
});

it.each(['application/json', 'Application/JSON; charset=UTF-8', 'application/json;charset="utf-8"'])(
  'takes the media type %s',
  async (contentType) => {
    expect(await post('/v1/notes', '{"title":"a title"}', { 'content-type': contentType })).toMatchObject({
      status: 200,
    });
  },
);

it('refuses bodies above 1 MiB, and takes one of exactly that', async () => {
  const sized = (bytes: number) => `{"title":"a title"${' '.repeat(bytes - 19)}}`;
  expect(await post('/v1/notes', sized(1024 * 1024))).toMatchObject({ status: 200 });
  expect(await post('/v1/notes', sized(1024 * 1024 + 1))).toMatchObject({
    status: 413,
    code: 'body-too-large',
  });
});

it('takes an empty body as {} where the route says so', async () => {
  const url = `/v1/notes/${SAMPLE_ID}/publish`;
  const answer = await sample.server.inject({
    method: 'POST',
    url,
    headers: { authorization: 'Bearer publisher' },
  });
  expect(answer.json()).toMatchObject({ body: {} });
});

it('refuses a body on a route that takes none, but lets an empty object pass', async () => {
  const put = (payload?: object) =>
    sample.server.inject({
      method: 'PUT',
      url: `/v1/notes/${SAMPLE_ID}/like`,
      headers: asAda,
      ...(payload ? { payload } : {}),
    });
  expect((await put()).statusCode).toBe(200);
  expect((await put({})).statusCode).toBe(200);
  expect((await put({ x: 1 })).json()).toMatchObject({
    code: 'validation-failed',
    errors: [{ pointer: '/x' }],
  });
  const withBody = await sample.server.inject({ method: 'GET', url: '/v1/notes', payload: { x: 1 } });
  expect(withBody.json()).toMatchObject({ code: 'validation-failed' });
});

it('of repeated members the last counts', async () => {
  expect(await post('/v1/notes', '{"title":"first","title":"second"}')).toMatchObject({
    body: { title: 'second' },
  });
});
