import { Problem } from '@annals/contracts/problems';
import { Counter, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { createLogger } from '../telemetry/logger.ts';
import { adminRoute, createOpsServer, type OpsServerOptions } from './ops-server.ts';

const TOKEN = 'the-operators-token-of-some-length';
const asOperator = { authorization: `Bearer ${TOKEN}` };

function opsServer(overrides: Partial<OpsServerOptions> = {}) {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) };
  const server = createOpsServer({
    service: 'sample',
    logger: createLogger({ service: 'sample', destination }),
    metrics: new Registry(),
    operatorToken: TOKEN,
    checks: async () => ({ database: true }),
    ...overrides,
  });
  return { server, lines };
}

it('is live whatever the checks say, ready only where all are true, and says which is not', async () => {
  const checks = { database: true, views: true };
  const { server } = opsServer({ checks: async () => checks });
  const ready = () => server.inject({ url: '/health/ready' });
  expect((await ready()).json()).toEqual({
    status: 'ready',
    service: 'sample',
    checks: { database: true, views: true, running: true },
  });
  checks.views = false;
  expect((await ready()).json()).toMatchObject({
    status: 'not-ready',
    checks: { database: true, views: false },
  });
  expect((await ready()).statusCode).toBe(503);
  expect((await server.inject({ url: '/health/live' })).statusCode).toBe(200);
});

it('is not ready while draining, or where a check throws', async () => {
  const { server } = opsServer();
  server.drain();
  const draining = await server.inject({ url: '/health/ready' });
  expect([draining.statusCode, draining.json().checks]).toEqual([503, { database: true, running: false }]);
  const broken = opsServer({ checks: () => Promise.reject(new Error('down')) });
  expect((await broken.server.inject({ url: '/health/ready' })).statusCode).toBe(503);
  expect(broken.lines).toMatchObject([{ level: 'warn', err: { message: 'down' } }]);
});

it('shows metrics', async () => {
  const metrics = new Registry();
  new Counter({ name: 'things_total', help: 'Things', registers: [metrics] }).inc();
  const response = await opsServer({ metrics }).server.inject({ url: '/metrics' });
  expect(response.headers['content-type']).toContain('text/plain');
  expect(response.payload).toContain('things_total 1');
});

const makeAdmin = adminRoute(
  {
    method: 'POST',
    path: '/admin/users/{id}',
    params: z.strictObject({ id: z.string() }),
    body: z.strictObject({ name: z.string() }),
  },
  async ({ params, body }) => {
    if (body.name === 'taken') throw new Problem('username-taken', 'It is taken.');
    if (body.name === 'broken') throw new Error('hunter2');
    return { status: 201, body: { id: params.id, name: body.name } };
  },
);

it('makes admin calls for the operator alone, validated', async () => {
  const { server, lines } = opsServer({ admin: [makeAdmin] });
  const call = (headers: Record<string, string>, payload: object) =>
    server.inject({ method: 'POST', url: '/admin/users/7', headers, payload });
  expect((await call(asOperator, { name: 'ada' })).json()).toEqual({ id: '7', name: 'ada' });
  for (const headers of [
    {},
    { authorization: TOKEN },
    { authorization: `Bearer ${TOKEN}x` },
    { authorization: '' },
  ]) {
    expect((await call(headers as Record<string, string>, { name: 1 })).json()).toMatchObject({
      status: 401,
    });
  }
  expect((await call(asOperator, { name: 1, x: 2 })).json()).toMatchObject({
    code: 'validation-failed',
    errors: [{ pointer: '/name' }, { pointer: '/x' }],
  });
  expect((await call(asOperator, { name: 'taken' })).json()).toMatchObject({
    status: 409,
    code: 'username-taken',
  });
  const broken = await call(asOperator, { name: 'broken' });
  expect(broken.json()).toMatchObject({ status: 500 });
  expect(broken.payload).not.toContain('hunter2');
  expect(lines).toMatchObject([{ err: { message: 'hunter2' } }]);
  expect((await server.inject({ url: '/nope', headers: asOperator })).json()).toMatchObject({ status: 404 });
});
