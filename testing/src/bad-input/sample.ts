/** How a route is reached: a sample of its path, its input's schemas, a request to spoil. */
import type { Route } from '@annals/contracts/kit/route';
import { z } from 'zod';
import type { BadRequest } from './bad-request.ts';

/** How to reach a route. */
export interface Reach {
  /** `Authorization` headers of a caller who may use the route as far as permissions go; none: anonymous. */
  readonly authorization: string | undefined;
  /** A valid access token, to be spoiled. */
  readonly token: string;
  /** An access token that has expired, where one can be had. */
  readonly expiredToken?: string;
}

/** A request of the route to spoil; its body is an empty object, so that parameters come first. */
export type BaseRequest = Omit<BadRequest, 'name' | 'expected'>;

/** The {@link BaseRequest} of a caller with this `Authorization`. */
export function baseRequest(route: Route, authorization: string | undefined): BaseRequest {
  const headers = {
    ...(authorization === undefined ? {} : { authorization }),
    ...(route.body ? { 'content-type': 'application/json' } : {}),
  };
  return { method: route.method, path: samplePath(route), headers, ...(route.body ? { body: '{}' } : {}) };
}

const SAMPLE_ID = '0199b9c0-0000-7000-8000-000000000001';

/** The route's path with parameters that could name something. */
export function samplePath(route: Route): string {
  const { properties = {} } = inputSchema(route.params) as ParameterSchemas;
  return route.path.replace(/\{(\w+)\}/g, (_parameter, name: string) => sampleOf(properties[name] ?? {}));
}

/** The JSON Schemas of parameters, by name. */
export interface ParameterSchemas {
  readonly properties?: Readonly<Record<string, ParameterSchema>>;
}

interface ParameterSchema {
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly format?: string;
}

function sampleOf(schema: ParameterSchema): string {
  const candidates = [...(schema.enum ?? []), SAMPLE_ID, '0'];
  return candidates.find((candidate) => new RegExp(schema.pattern ?? '', 'u').test(candidate)) ?? SAMPLE_ID;
}

/** The JSON Schema of what clients send. */
export function inputSchema(schema: z.ZodType): Record<string, unknown> {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>;
}
