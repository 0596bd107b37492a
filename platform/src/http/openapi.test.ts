import { defineRoute } from '@annals/contracts/kit/route';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { openApiDocument } from './openapi.ts';
import { sampleRoutes } from './sample.fixture.ts';

const options = { publicUrl: 'http://annals.test', version: '1.2.3' };
const document = openApiDocument(sampleRoutes, options);

it('is valid OpenAPI 3.1', async () => {
  const result = await new Validator().validate(
    structuredClone(document) as object as Record<string, unknown>,
  );
  expect(result).toMatchObject({ valid: true });
  const broken = { ...structuredClone(document), info: {} };
  expect(await new Validator().validate(broken as object as Record<string, unknown>)).toMatchObject({
    valid: false,
  });
});

it('resolves every reference', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
    ([, path = '']) => path,
  );
  expect(references.length).toBeGreaterThan(20);
  for (const path of references) {
    const target = path
      .split('/')
      .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], document);
    expect(target, path).toBeDefined();
  }
});

it('has every route, as clients write it', () => {
  for (const { path, method, name } of sampleRoutes) {
    expect(document.paths[path]?.[method.toLowerCase()]?.operationId).toBe(name);
  }
  const list = JSON.stringify(document.paths['/v1/notes']?.get?.parameters);
  for (const name of ['page', 'cursor', 'title[contains]', 'sort'])
    expect(list).toContain(`"name":"${name}","in":"query"`);
  expect(document.paths['/v1/notes']?.post).toMatchObject({
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: { properties: { title: { minLength: 5 } }, additionalProperties: false },
        },
      },
    },
  });
  expect(document.paths['/v1/notes/{id}/publish']?.post).toMatchObject({ requestBody: { required: false } });
});

it('says who may call', () => {
  expect(document.paths['/v1/notes']?.get?.security).toEqual([{}, { accessToken: [] }]);
  expect(document.paths['/v1/notes/{id}/publish']?.post).toMatchObject({
    security: [{ accessToken: [] }],
    description: expect.stringContaining('can_publish'),
  });
});

it('lists the headers of the route’s style', () => {
  const references = (path: string, method: string) => JSON.stringify(document.paths[path]?.[method]);
  const command = references('/v1/notes', 'post');
  for (const name of [
    'parameters/IdempotencyKey',
    'parameters/IfMatch',
    'headers/Location',
    'headers/ETag',
    'headers/RateLimit',
  ]) {
    expect(command).toContain(name);
  }
  const query = references('/v1/notes', 'get');
  for (const name of ['parameters/AnnalsMinPosition', 'parameters/Prefer', 'headers/Annals-Position'])
    expect(query).toContain(name);
  expect(query).not.toContain('IdempotencyKey');
  expect(references('/v1/log-ins', 'post')).not.toMatch(/IdempotencyKey|AnnalsMinPosition/);
});

it('lists the route’s own problems beside those of its kind', () => {
  const route = defineRoute({
    name: 'takeName',
    method: 'PUT',
    path: '/v1/names/{name}',
    service: 'command-api',
    tag: 't',
    summary: 's',
    access: 'staff',
    params: z.strictObject({ name: z.string() }),
    success: { status: 204 },
    problems: ['username-taken'],
  });
  const responses = openApiDocument([route], options).paths['/v1/names/{name}']?.put?.responses as Record<
    string,
    { description: string }
  >;
  expect(Object.keys(responses)).toEqual([
    '204',
    '400',
    '401',
    '403',
    '404',
    '409',
    '412',
    '413',
    '415',
    '421',
    '422',
    '429',
    '431',
    '500',
    '503',
  ]);
  expect(responses['409']?.description).toContain('`username-taken`: The username is taken.');
  expect(responses['409']?.description).toContain('idempotency-in-flight');
  expect(responses['403']).toMatchObject({
    content: {
      'application/problem+json': {
        schema: { allOf: [{}, { properties: { code: { enum: ['forbidden'] } } }] },
      },
    },
  });
});

it('promises the headers that every such answer has', () => {
  const { headers } = document.components as unknown as { headers: Record<string, { required?: boolean }> };
  const promised = Object.keys(headers).filter((name) => headers[name]?.required);
  expect(promised).toEqual([
    'Annals-Position',
    'ETag',
    'Location',
    'Retry-After',
    'Upgrade',
    'WWW-Authenticate',
  ]);
});

it('says that fields and exclude leave members out', () => {
  const note = z.object({ id: z.string(), title: z.string() }).meta({ id: 'Note' });
  const shared = { method: 'GET', service: 'query-api', tag: 't', summary: 's', access: 'anyone' } as const;
  const query = z.strictObject({ fields: z.string().optional() });
  const whole = { status: 200, schema: note } as const;
  const list = { status: 200, schema: z.object({ results: z.array(note) }) } as const;
  const { paths, components } = openApiDocument(
    [
      defineRoute({ ...shared, name: 'getNote', path: '/note', query, success: whole }),
      defineRoute({ ...shared, name: 'listNotes', path: '/notes', query, success: list }),
      defineRoute({ ...shared, name: 'getWhole', path: '/whole', success: whole }),
    ],
    options,
  );
  const either =
    '{"anyOf":[{"$ref":"#/components/schemas/Note"},{"$ref":"#/components/schemas/SparseNote"}]}';
  expect(JSON.stringify(paths['/note'])).toContain(`"schema":${either}`);
  expect(JSON.stringify(paths['/notes'])).toContain(`"items":${either}`);
  expect(JSON.stringify(paths['/whole'])).not.toContain('Sparse');
  expect(components.schemas).toMatchObject({ Note: { required: ['id', 'title'] } });
  expect(components.schemas).not.toHaveProperty('SparseNote.required');
});

it('makes components of schemas with an id', () => {
  const named = z.object({ id: z.string() }).meta({ id: 'Named' });
  const route = defineRoute({
    name: 'getNamed',
    method: 'GET',
    path: '/v1/named',
    service: 'query-api',
    tag: 't',
    summary: 's',
    access: 'anyone',
    success: { status: 200, schema: z.object({ results: z.array(named) }) },
  });
  const { paths, components } = openApiDocument([route], options);
  expect(JSON.stringify(paths)).toContain('"$ref":"#/components/schemas/Named"');
  expect(components.schemas).toMatchObject({ Named: { type: 'object' } });
  expect(JSON.stringify(paths)).not.toContain('$defs');
  const other = { ...route, name: 'getOther', path: '/v1/other' };
  const clash = {
    ...other,
    success: { status: 200, schema: z.object({ results: z.array(z.object({ x: named })) }) },
  } as const;
  expect(Object.keys(openApiDocument([route, clash], options).components.schemas ?? {})).toContain('Named');
  const namesake = z.object({ other: z.string() }).meta({ id: 'Named' });
  const conflicting = { ...other, success: { status: 200, schema: namesake } } as const;
  expect(() => openApiDocument([route, conflicting], options)).toThrow('two schemas have the id Named');
});
