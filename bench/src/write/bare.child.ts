/** The limit for commands over HTTP: fastify, a body that is parsed, an answer of the same size, and nothing else. */
import { fastify } from 'fastify';
import { serve } from '../kit/child.ts';

const server = fastify();
server.post('/*', (_request, reply) =>
  reply.code(201).send({ id: '0199c2a4-7a3c-7c4e-9a56-0d7f2f9a3f11', revision: 0 }),
);
const url = await server.listen({ host: '127.0.0.1', port: 0 });

serve(() => {
  const { user, system } = process.cpuUsage();
  return { url, seconds: (user + system) / 1e6 };
});
