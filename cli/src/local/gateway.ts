/**
 * The local profile's gateway: one address for all services, built from the route table. In production nginx or the
 * Kubernetes Gateway stands here. Operations ports and `/internal` cannot be reached through it: it knows the table
 * alone.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Route } from '@annals/contracts/kit/route';
import { Problem } from '@annals/contracts/problems';
import { answerClientError } from '@annals/platform/http/client-error';
import { compilePaths } from '@annals/platform/http/paths';
import { problemResponse, toProblem } from '@annals/platform/http/problem-response';
import { securityHeaders } from '@annals/platform/http/security-headers';
import replyFrom from '@fastify/reply-from';
import {
  fastify as createFastify,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { serveUpgrades } from './gateway-upgrades.ts';
import { createInternalGateway } from './internal-gateway.ts';
import type { Upstream } from './stack-processes.ts';
import { createDispatcher } from './upstream-connections.ts';
import { type Upstreams, watchUpstreams } from './upstreams.ts';

export interface GatewayOptions {
  readonly routes: readonly Route[];
  readonly upstreams: readonly Upstream[];
  /** Problem types are below it. */
  readonly publicUrl: string;
  /** Told why a service could not be asked. */
  readonly onFailure?: (error: Error) => void;
}

export interface Gateway {
  /** Returns the base URL. `internalPort`: where services reach each other, on loopback. */
  listen(address: { host: string; port: number; internalPort?: number | undefined }): Promise<string>;
  /** Accepts no more, lets requests and sockets end, and closes those that take longer than 20 s. */
  close(): Promise<void>;
}

const MAX_PARAMETER_LENGTH = 1_000;
const GRACE_MS = 20_000;
/** Request line and headers. */
const MAX_HEADER_BYTES = 16 * 1024;
/** Of what is answered here; services bring theirs. */
const SECURITY_HEADERS = securityHeaders();

/** Creates the gateway; resolves once each upstream was asked whether it is ready. */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { publicUrl, routes, onFailure = () => {} } = options;
  const upstreams = await watchUpstreams(options.upstreams);
  const fastify = createFastify({
    http: { maxHeaderSize: MAX_HEADER_BYTES, shouldUpgradeCallback: isWebSocket },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH, querystringParser: () => ({}) },
    clientErrorHandler: (error, socket: Socket) => answerClientError(error, socket, publicUrl),
    frameworkErrors: (error, request, reply) =>
      void answer(reply as FastifyReply, request as FastifyRequest, error, publicUrl),
  });
  // Bodies are passed on as they come.
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  fastify.register(replyFrom, {
    undici: createDispatcher(upstreams) as never,
    disableRequestLogging: true,
  });
  fastify.setErrorHandler((error, request, reply) => answer(reply, request, error, publicUrl));
  fastify.register(async (scope) => {
    serveOwn(scope, upstreams);
    const onward: Onward = { upstreams, publicUrl, onFailure };
    for (const [path, atPath] of byPath(routes)) servePath(scope, path, atPath, onward);
  });
  const allowedMethods = compilePaths(routes);
  fastify.setNotFoundHandler((request, reply) => {
    const allow = allowedMethods(pathOf(request))?.join(', ');
    if (allow) reply.header('allow', allow);
    const problem = allow
      ? new Problem('method-not-allowed', `Use one of ${allow}.`)
      : new Problem('not-found', 'There is no such resource.');
    return answer(reply, request, problem, publicUrl);
  });
  const upgrades = serveUpgrades(fastify.server, { routes, upstreams, publicUrl });

  const internal = createInternalGateway(upstreams, onFailure);

  return {
    listen: async ({ internalPort, ...address }) => {
      if (internalPort !== undefined) await internal.listen(internalPort);
      return fastify.listen(address);
    },
    close: async () => {
      const timer = setTimeout(() => fastify.server.closeAllConnections(), GRACE_MS);
      await Promise.all([fastify.close(), upgrades.close(GRACE_MS)]);
      await internal.close();
      clearTimeout(timer);
      upstreams.close();
    },
  };
}

/** Answered here: what the API consists of, and whether all of it is up. */
function serveOwn(scope: FastifyInstance, upstreams: Upstreams): void {
  scope.get('/', (_request, reply) =>
    reply.headers(SECURITY_HEADERS).send({
      name: 'Annals',
      links: { docs: '/docs', openapi: '/openapi.json', health: '/health', push: '/v1/push' },
    }),
  );
  scope.get('/health', async (_request, reply) => {
    const services: Record<string, string> = {};
    for (const { service, readiness } of upstreams.health()) {
      if (services[service] !== 'ready') services[service] = readiness.isReady ? 'ready' : readiness.reason;
    }
    const isReady = Object.values(services).every((state) => state === 'ready');
    reply.code(isReady ? 200 : 503).headers(SECURITY_HEADERS);
    return reply.send({ status: isReady ? 'ready' : 'not-ready', services });
  });
}

interface Onward {
  readonly upstreams: Upstreams;
  readonly publicUrl: string;
  readonly onFailure: (error: Error) => void;
}

/** OPTIONS goes to the first service of the path: services know the whole table, and whose origins are allowed. */
function servePath(scope: FastifyInstance, path: string, routes: readonly Route[], onward: Onward): void {
  const forwardTo = (service: string) => (request: FastifyRequest, reply: FastifyReply) => {
    if (hasDotSegments(pathOf(request))) throw new Problem('not-found', 'There is no such resource.');
    return forward(request, reply, service, onward);
  };
  for (const { method, service } of routes) {
    scope.route({
      method: method === 'GET' ? ['GET', 'HEAD'] : method,
      url: path,
      handler: forwardTo(service),
    });
  }
  const [first] = routes;
  if (first) scope.route({ method: 'OPTIONS', url: path, handler: forwardTo(first.service) });
}

function forward(
  request: FastifyRequest,
  reply: FastifyReply,
  service: string,
  { upstreams, publicUrl, onFailure }: Onward,
): FastifyReply {
  const upstream = upstreams.next(service);
  // The path alone: a query is passed on as it came, whatever it holds.
  return reply.from(pathOf(request), {
    getUpstream: () => upstream,
    // A refusal is an answer: whoever asked decides when to ask again, and how long to wait at all.
    retryDelay: () => null,
    // What it expects is `100 Continue`, and it has got that. Where it is, it does not say itself.
    rewriteRequestHeaders: (_request, { expect: _, ...headers }) => ({
      ...headers,
      'x-forwarded-for': request.socket.remoteAddress ?? '',
      'x-forwarded-host': request.headers.host ?? '',
      'x-forwarded-proto': 'http',
    }),
    onError: (failed, { error }) => {
      onFailure(error);
      const problem = new Problem('unavailable', 'The service does not answer. Try again.', {
        retryAfter: 1,
      });
      void answer(failed as FastifyReply, request, problem, publicUrl);
    },
  });
}

/** Other protocols, such as the h2c that some clients offer with each request, are not taken up: it is answered as it is. */
function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * `..` would be resolved on the way and reach another path than the one that was matched. Reply-from refuses whatever
 * holds `/..` or `../`; of what there can be, that is the followers of somebody called `a..`, who are found by id.
 */
function hasDotSegments(path: string): boolean {
  return /\/\.\.|\.\.\/|\/\.(\/|$)/.test(decodeURIComponent(path));
}

/** By router path; what a parameter is called does not tell paths apart. */
function byPath(routes: readonly Route[]): Map<string, Route[]> {
  return Map.groupBy(routes, ({ path }) => path.replace(/\{\w+\}/g, ':value'));
}

function pathOf(request: FastifyRequest): string {
  return request.raw.url?.split('?', 1)[0] ?? '/';
}

function answer(
  reply: FastifyReply,
  request: FastifyRequest,
  error: unknown,
  publicUrl: string,
): FastifyReply {
  const { status, headers, body } = problemResponse(toProblem(error), {
    publicUrl,
    instance: pathOf(request),
    traceId: randomUUID().replaceAll('-', ''),
  });
  return reply
    .code(status)
    .headers({ ...SECURITY_HEADERS, ...headers })
    .send(body);
}
