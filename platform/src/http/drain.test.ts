import { Agent, get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { sampleServer } from './sample.fixture.ts';

/** GETs over a kept connection. */
async function call(url: string, agent: Agent) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  get(url, { agent }, resolve).on('error', reject);
  const response = await promise;
  return { status: response.statusCode, connection: response.headers.connection, body: await text(response) };
}

function heldServer(times: { drainMs: number; graceMs?: number }) {
  const held = Promise.withResolvers<void>();
  const started = Promise.withResolvers<AbortSignal>();
  const handlers = {
    getNote: async ({ signal }: { signal: AbortSignal }) => {
      started.resolve(signal);
      await held.promise;
      return { status: 200, body: { done: true } };
    },
  };
  return sampleServer({ handlers, ...times }).then((sample) => ({
    ...sample,
    held,
    started: started.promise,
  }));
}

it('while draining is not ready, answers on, and asks to close connections', async () => {
  const { server } = await sampleServer({ drainMs: 60_000 });
  const base = await server.listen({ host: '127.0.0.1', port: 0 });
  const [first, second] = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })];
  expect(await call(`${base}/v1/notes`, first)).toMatchObject({ status: 200, connection: 'keep-alive' });
  expect(await call(`${base}/v1/notes`, second)).toMatchObject({ status: 200 });
  const closed = server.close();
  expect(await call(`${base}/health/ready`, first)).toMatchObject({ status: 503 });
  expect(await call(`${base}/v1/notes`, first)).toMatchObject({ status: 200, connection: 'close' });
  expect(await call(`${base}/v1/notes`, second)).toMatchObject({ status: 200, connection: 'close' });
  // No connection is left, so the drain ends long before its time.
  first.destroy();
  second.destroy();
  await closed;
  await expect(call(`${base}/v1/notes`, new Agent())).rejects.toThrow('ECONNREFUSED');
});

it('finishes requests in flight', async () => {
  const { server, held, started } = await heldServer({ drainMs: 1 });
  const base = await server.listen({ host: '127.0.0.1', port: 0 });
  const agent = new Agent({ keepAlive: true });
  const response = call(`${base}/v1/notes/a`, agent);
  await started;
  const closed = server.close();
  expect(server.close()).toBe(closed);
  held.resolve();
  expect(await response).toMatchObject({ status: 200, connection: 'close', body: '{"done":true}' });
  await closed;
});

it('aborts requests that outlast the grace period', async () => {
  const { server, held, started } = await heldServer({ drainMs: 1, graceMs: 1 });
  const base = await server.listen({ host: '127.0.0.1', port: 0 });
  const response = call(`${base}/v1/notes/a`, new Agent());
  const signal = await started;
  await Promise.all([expect(response).rejects.toThrow(), server.close()]);
  expect(signal.aborted).toBe(true);
  held.resolve();
});

it('closes where it never listened', async () => {
  const { server } = await sampleServer();
  await server.close();
});
