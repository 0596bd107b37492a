/** The OpenAPI document, generated from the route table. */
import type { Route } from '@annals/contracts/kit/route';
import { headers, type JsonObject, parameters, schemas, securitySchemes } from './openapi-components.ts';
import { type NamedSchemas, toOperation } from './openapi-operation.ts';

/** An OpenAPI 3.1 document. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: JsonObject;
  readonly servers: readonly JsonObject[];
  readonly tags: readonly JsonObject[];
  /** Operations by path and lower-case method. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;
  readonly components: JsonObject;
}

/** Describes `routes` with the conventions that they share. Paths are sorted, so equal tables give equal documents. */
export function openApiDocument(
  routes: readonly Route[],
  options: { publicUrl: string; version: string },
): OpenApiDocument {
  const named: NamedSchemas = new Map();
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const route of routes.toSorted(byPathAndMethod)) {
    const operations = paths[route.path] ?? {};
    operations[route.method.toLowerCase()] = toOperation(route, named);
    paths[route.path] = operations;
  }
  const tags = [...new Set(routes.map(({ tag }) => tag))].sort();
  return {
    openapi: '3.1.1',
    info: {
      title: 'Annals',
      version: options.version,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: options.publicUrl }],
    tags: tags.map((name) => ({ name })),
    paths,
    components: {
      schemas: { ...schemas, ...Object.fromEntries(named) },
      parameters,
      headers,
      securitySchemes,
    },
  };
}

const DESCRIPTION = [
  'Commands are decided and recorded; queries answer from views that follow. Send the `Annals-Position` that a command',
  'answered with as `Annals-Min-Position` of a query to read what was written. HEAD goes wherever GET does, and OPTIONS',
  'says what a path takes. Every error is a problem document (RFC 9457).',
].join(' ');

function byPathAndMethod(a: Route, b: Route): number {
  return a.path === b.path ? compare(a.method, b.method) : compare(a.path, b.path);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
