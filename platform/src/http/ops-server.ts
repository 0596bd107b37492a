/** The operators' port of a service: health, metrics and admin calls; never reachable by clients. */
import { hash, randomUUID, timingSafeEqual } from 'node:crypto';
import type { Method } from '@annals/contracts/kit/route';
import { Problem } from '@annals/contracts/problems';
import {
  fastify as createFastify,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { Registry } from 'prom-client';
import { z } from 'zod';
import type { Logger } from '../telemetry/logger.ts';
import { answerClientError } from './client-error.ts';
import { notFound } from './exchange.ts';
import { readBody } from './json-body.ts';
import { toRouterPath } from './paths.ts';
import { problemResponse, toProblem } from './problem-response.ts';
import type { RouteResponse } from './types.ts';
import { validate } from './validate.ts';

/** A validated admin call. */
export interface AdminRequest<Params = unknown, Query = unknown, Body = unknown> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
}

/** An admin call of a service; operators alone may make it. */
export interface AdminRoute {
  readonly method: Method;
  /** Below `/admin/`, in OpenAPI notation. */
  readonly path: `/admin/${string}`;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly handler: (request: AdminRequest) => Promise<RouteResponse>;
}

/** Types an admin route's handler by the route's schemas. */
export function adminRoute<
  Params extends z.ZodType = typeof nothing,
  Query extends z.ZodType = typeof nothing,
  Body extends z.ZodType | undefined = undefined,
>(
  route: { method: Method; path: `/admin/${string}`; params?: Params; query?: Query; body?: Body },
  handler: (
    request: AdminRequest<
      z.output<Params>,
      z.output<Query>,
      Body extends z.ZodType ? z.output<Body> : undefined
    >,
  ) => Promise<RouteResponse>,
): AdminRoute {
  return { ...route, handler: handler as AdminRoute['handler'] } as AdminRoute;
}

export interface OpsServerOptions {
  readonly service: string;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Admin calls carry it as `Authorization: Bearer`. */
  readonly operatorToken: string;
  /** Readiness by part; the service is ready where all are true. A check that throws counts as false. */
  readonly checks: () => Promise<Readonly<Record<string, boolean>>>;
  readonly admin?: readonly AdminRoute[];
}

export interface OpsServer {
  listen(address: { host: string; port: number }): Promise<string>;
  /** From now on not ready: called first when the service stops. */
  drain(): void;
  close(): Promise<void>;
  readonly inject: FastifyInstance['inject'];
}

const nothing = z.strictObject({});

/** Creates the operators' server. Its problems' `type` is relative: this port has no public URL. */
export function createOpsServer(options: OpsServerOptions): OpsServer {
  const { logger, metrics } = options;
  let isDraining = false;
  const fastify = createFastify({
    forceCloseConnections: true,
    clientErrorHandler: (error, socket) => answerClientError(error, socket, ''),
  });
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, _payload, done) => done(null));
  fastify.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error);
    if (problem.code === 'internal-error') logger.error({ err: error }, 'an operator’s call failed');
    const traceId = randomUUID().replaceAll('-', '');
    return answer(reply, problemResponse(problem, { publicUrl: '', instance: request.url, traceId }));
  });
  fastify.setNotFoundHandler(() => {
    throw notFound();
  });

  fastify.get('/health/live', () => ({ status: 'live', service: options.service }));
  fastify.get('/health/ready', async (_request, reply) => {
    const checks = { ...(await readiness(options)), running: !isDraining };
    const isReady = Object.values(checks).every(Boolean);
    return reply
      .code(isReady ? 200 : 503)
      .send({ status: isReady ? 'ready' : 'not-ready', service: options.service, checks });
  });
  fastify.get('/metrics', async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.metrics()),
  );
  const isOperator = operatorCheck(options.operatorToken);
  for (const route of options.admin ?? []) serveAdmin(fastify, route, isOperator);

  return {
    listen: ({ host, port }) => fastify.listen({ host, port }),
    drain: () => {
      isDraining = true;
    },
    close: () => fastify.close(),
    inject: fastify.inject.bind(fastify),
  };
}

type OperatorCheck = (request: FastifyRequest) => boolean;

function operatorCheck(token: string): OperatorCheck {
  const digest = hash('sha256', `Bearer ${token}`, 'buffer');
  return ({ headers }) => timingSafeEqual(digest, hash('sha256', headers.authorization ?? '', 'buffer'));
}

function serveAdmin(fastify: FastifyInstance, route: AdminRoute, isOperator: OperatorCheck): void {
  const shape = {
    params: route.params ?? nothing,
    query: route.query ?? nothing,
    body: route.body,
    bodyOptional: false,
    style: 'plain' as const,
  };
  fastify.route({
    method: route.method,
    url: toRouterPath(route.path),
    handler: async (request, reply) => {
      if (!isOperator(request)) throw new Problem('unauthenticated', 'Send the operator token.');
      const { url, params, headers } = request;
      const valid = validate(shape, { url, params, headers, body: await readBody(request.raw) });
      return answer(reply, await route.handler(valid));
    },
  });
}

function answer(reply: FastifyReply, { status, headers = {}, body }: RouteResponse): FastifyReply {
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
  reply.code(status);
  if (body !== undefined) reply.type('application/json; charset=utf-8');
  return reply.headers(headers).send(body === undefined || isRaw ? body : JSON.stringify(body));
}

/** A check that fails is reported as not ready, never as an error: the prober wants an answer. */
async function readiness({ checks, logger }: OpsServerOptions): Promise<Readonly<Record<string, boolean>>> {
  try {
    return await checks();
  } catch (error) {
    logger.warn({ err: error }, 'the readiness checks failed');
    return { checks: false };
  }
}
