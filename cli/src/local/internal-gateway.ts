/**
 * Where services reach each other: any process of the service that the path's first part names. On loopback alone; the
 * services themselves ask for a service token. In production a Kubernetes Service stands here.
 */
import { Problem } from '@annals/contracts/problems';
import { problemResponse } from '@annals/platform/http/problem-response';
import replyFrom from '@fastify/reply-from';
import { fastify as createFastify, type FastifyReply } from 'fastify';
import { createDispatcher } from './upstream-connections.ts';
import type { Upstreams } from './upstreams.ts';

export interface InternalGateway {
  listen(port: number): Promise<void>;
  /** Accepts no more, and lets requests end. */
  close(): Promise<void>;
}

/** Creates it; `onFailure` is told why a service could not be asked. */
export function createInternalGateway(
  upstreams: Upstreams,
  onFailure: (error: Error) => void,
): InternalGateway {
  const fastify = createFastify({ forceCloseConnections: 'idle', return503OnClosing: false });
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  fastify.register(replyFrom, { undici: createDispatcher(upstreams) as never, disableRequestLogging: true });
  fastify.all<{ Params: { service: string } }>('/:service/*', (request, reply) => {
    const { service } = request.params;
    const [path = ''] = request.url.slice(service.length + 1).split('?', 1);
    return reply.from(path, {
      getUpstream: () => upstreams.next(service),
      retryDelay: () => null,
      onError: (failed, { error }) => {
        onFailure(error);
        const problem = new Problem('unavailable', 'The service does not answer.', { retryAfter: 1 });
        const { status, headers, body } = problemResponse(problem, {
          publicUrl: '',
          instance: path,
          traceId: '',
        });
        void (failed as FastifyReply)
          .code(status)
          .headers({ ...headers })
          .send(body);
      },
    });
  });
  return {
    listen: async (port) => void (await fastify.listen({ host: '127.0.0.1', port })),
    close: () => fastify.close(),
  };
}
