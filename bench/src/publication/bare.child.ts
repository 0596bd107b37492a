/**
 * The limits for reading: bare fastify with one prepared statement that gives the answer's rows as text, and bare
 * node:http that sends bytes which are there already.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import pg from 'pg';
import { serve } from '../kit/child.ts';

/** A path, with the statement whose only row has the answer's `items`. */
export interface BareRoute {
  readonly path: string;
  /** Routes of one name share a statement. */
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Bytes by URL. */
export interface BareAnswer {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

type Ask =
  | { readonly kind: 'statements'; readonly databaseUrl: string; readonly routes: readonly BareRoute[] }
  | { readonly kind: 'bytes'; readonly answers: readonly BareAnswer[] };

async function openStatements(databaseUrl: string, routes: readonly BareRoute[]): Promise<string> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });
  const server = fastify();
  for (const { path, name, text, values } of routes) {
    server.get(path, async (_request, reply) => {
      const { rows } = await pool.query<{ items: string }>({ name, text, values: [...values] });
      return reply.type('application/json').send(`{"results":[${rows[0]?.items}]}`);
    });
  }
  return server.listen({ host: '127.0.0.1', port: 0 });
}

async function openBytes(answers: readonly BareAnswer[]): Promise<string> {
  const all = new Map(answers.map(({ url, body, headers }) => [url, { body: Buffer.from(body), headers }]));
  const server: Server = createServer((request, response) => {
    const answer = all.get(request.url ?? '');
    response.writeHead(answer ? 200 : 404, answer?.headers);
    response.end(answer?.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

serve<Ask>(async (ask) => ({
  url:
    ask.kind === 'statements'
      ? await openStatements(ask.databaseUrl, ask.routes)
      : await openBytes(ask.answers),
}));
