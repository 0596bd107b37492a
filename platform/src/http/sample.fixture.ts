/** A server with a few routes of every kind, for the tests of the kit. */
import { listQuery } from '@annals/contracts/kit/list';
import { text, uuid } from '@annals/contracts/kit/primitives';
import {
  answers,
  changed,
  created,
  defineRoute,
  type Permission,
  related,
} from '@annals/contracts/kit/route';
import { Problem } from '@annals/contracts/problems';
import { Registry } from 'prom-client';
import { z } from 'zod';
import { createLogger } from '../telemetry/logger.ts';
import { createTracing } from '../telemetry/tracing.ts';
import { createHttpServer, type HttpServer, type HttpServerOptions } from './server.ts';
import { type BoundRoute, bind, type Caller, type RouteRequest } from './types.ts';

const shared = { service: 'command-api', tag: 'samples', summary: 'A sample' } as const;
const byId = z.strictObject({ id: uuid });

export const createNote = defineRoute({
  ...shared,
  name: 'createNote',
  method: 'POST',
  path: '/v1/notes',
  access: 'user',
  body: z.strictObject({
    title: text(5, 200),
    tags: z.array(text(1, 10)).max(3).optional(),
    secret: z.string().optional(),
  }),
  success: created,
});
export const changeNote = defineRoute({
  ...shared,
  name: 'changeNote',
  method: 'PATCH',
  path: '/v1/notes/{id}',
  access: 'owner',
  params: byId,
  query: z.strictObject({ dryRun: z.enum(['true', 'false']).optional() }),
  body: z.strictObject({ title: text(5, 200).optional() }),
  success: changed,
});
export const publishNote = defineRoute({
  ...shared,
  name: 'publishNote',
  method: 'POST',
  path: '/v1/notes/{id}/publish',
  access: 'can_publish',
  params: byId,
  body: z.strictObject({ at: z.string().optional() }),
  bodyOptional: true,
  success: changed,
});
export const likeNote = defineRoute({
  ...shared,
  name: 'likeNote',
  method: 'PUT',
  path: '/v1/notes/{id}/like',
  access: 'user',
  params: byId,
  success: related,
});
export const listNotes = defineRoute({
  ...shared,
  name: 'listNotes',
  method: 'GET',
  path: '/v1/notes',
  access: 'anyone',
  style: 'query',
  query: listQuery({
    search: true,
    sort: ['title'],
    filters: { title: { value: z.string().min(1), operators: ['eq', 'contains'] } },
  }),
  success: answers(z.object({})),
});
export const getNote = defineRoute({
  ...shared,
  name: 'getNote',
  method: 'GET',
  path: '/v1/notes/{idOrSlug}',
  access: 'anyone',
  style: 'query',
  params: z.strictObject({ idOrSlug: z.string().min(1).max(250) }),
  success: answers(z.object({})),
});
export const logIn = defineRoute({
  ...shared,
  name: 'logIn',
  method: 'POST',
  path: '/v1/log-ins',
  access: 'anyone',
  style: 'plain',
  throttle: 'login',
  body: z.strictObject({ password: z.string().min(1) }),
  success: created,
});
/** Answered by another service. */
export const removeNote = defineRoute({
  ...shared,
  service: 'notifier',
  name: 'removeNote',
  method: 'DELETE',
  path: '/v1/notes/{id}',
  access: 'user',
  params: byId,
  success: changed,
});

export const sampleRoutes = [
  createNote,
  changeNote,
  publishNote,
  likeNote,
  listNotes,
  getNote,
  logIn,
  removeNote,
];

export const SAMPLE_ID = '0199b9c0-0000-7000-8000-000000000001';
export const PUBLIC_URL = 'http://annals.test';

/** Callers by the `Authorization` that the sample server takes for them. */
export const sampleCallers: Readonly<Record<string, readonly Permission[]>> = {
  'Bearer ada': [],
  'Bearer publisher': ['can_publish'],
  'Bearer staff': ['staff'],
  'Bearer importer': ['can_import'],
};

export function authenticateSample(authorization: string | undefined, address: string): Caller {
  if (authorization === undefined) return { kind: 'anonymous', address };
  if (authorization === 'Bearer worker') return { kind: 'service', name: 'worker', address };
  const permissions = sampleCallers[authorization];
  if (!permissions) throw new Problem('unauthenticated', 'The access token is not valid.');
  return {
    kind: 'user',
    userId: authorization.slice(7),
    sessionId: 's',
    permissions: new Set(permissions),
    address,
  };
}

/** Every handler answers with what it received, and keeps the request in `seen`. */
export async function sampleServer(
  overrides: Partial<HttpServerOptions> & { handlers?: Partial<Record<string, BoundRoute['handler']>> } = {},
): Promise<{
  server: HttpServer;
  seen: RouteRequest<BoundRoute['route']>[];
  metrics: Registry;
  lines: Record<string, unknown>[];
}> {
  const seen: RouteRequest<BoundRoute['route']>[] = [];
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) };
  const logger = createLogger({ service: 'sample', level: 'debug', destination });
  const metrics = new Registry();
  const { handlers = {}, ...options } = overrides;
  const echo: BoundRoute['handler'] = async (request) => {
    seen.push(request);
    return { status: 200, body: { params: request.params, query: request.query, body: request.body } };
  };
  const server = createHttpServer({
    service: 'command-api',
    routes: sampleRoutes,
    bound: sampleRoutes
      .filter(({ service }) => service === 'command-api')
      .map((route) => bind(route, handlers[route.name] ?? echo)),
    authenticate: authenticateSample,
    logger,
    tracing: await createTracing({ service: 'sample', logger }),
    metrics,
    publicUrl: PUBLIC_URL,
    trustedProxies: [],
    allowedOrigins: ['https://console.test'],
    drainMs: 50,
    ...options,
  });
  return { server, seen, metrics, lines };
}
