import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { topicsCommand } from './topics.ts';

const RELAY = 'topic_events_v1';
let server: Server;
let url: string;
let asked: object[];
let outcome: string | null;
let relays: string[];
let lines: string[];

beforeEach(async () => {
  vi.stubEnv('ANNALS_OPERATOR_TOKEN', 'operator');
  asked = [];
  lines = [];
  outcome = 'replaying';
  relays = [RELAY];
  const consumer = {
    through: 'testlog0.0000000000000007',
    owner: null,
    isLive: true,
    generation: 1,
    parkedKeys: 0,
    held: null,
  };
  const answers: Record<string, () => object> = {
    '/health/live': () => ({ service: 'projector' }),
    '/admin/status': () => ({
      consumers: [RELAY, 'likes_v1'].map((name) => ({ ...consumer, consumer: name })),
    }),
    '/admin/topics': () => ({
      relays,
      topics: [{ name: 'annals.a.v1', carries: 'events', types: ['one', 'two'] }],
    }),
    '/admin/topics/replays': () => ({ ids: ['7'] }),
    '/admin/repairs': () => ({ repairs: [{ id: '7', outcome, report: null }] }),
  };
  server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    if (request.method === 'POST') asked.push(JSON.parse(body));
    response.end(JSON.stringify(answers[request.url ?? '']?.()));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  vi.unstubAllEnvs();
  process.exitCode = undefined;
  server.closeAllConnections();
  server.close();
});

async function topics(...args: string[]): Promise<string> {
  const output = {
    line: (text: string) => void lines.push(text),
    json: (value: unknown) => void lines.push(JSON.stringify(value)),
    note: () => undefined,
    onUnread: () => undefined,
    isInteractive: false,
  };
  await topicsCommand(output).parseAsync([...args, '--ops', url], { from: 'user' });
  return lines.join('\n');
}

test('list shows topics with what they carry, and the relays among all consumers', async () => {
  const text = await topics('list');
  expect(text).toMatch(/annals\.a\.v1 +events +one\n +two/);
  expect(text).toMatch(/topic_events_v1 +testlog0\.0000000000000007 +nobody/);
  expect(text).not.toContain('likes_v1');
});

test('list says where the relay is off', async () => {
  relays = [];
  expect(await topics('list')).toContain('The relay is off: ANNALS_KAFKA_BROKERS is not set.');
});

test('replay asks for it, waits for what becomes of it, and fails where nothing does', async () => {
  expect(await topics('replay', '--from', 'start')).toBe('replaying');
  expect(await topics('replay', '--from', 'start', '--relay', RELAY)).toContain('replaying');
  expect(asked).toEqual([{ from: 'start' }, { from: 'start', relay: RELAY }]);
  expect(process.exitCode).toBeUndefined();
  outcome = null;
  expect(await topics('replay', '--from', 'start', '--wait', '0')).toContain('nobody runs the relay yet');
  expect(process.exitCode).toBe(1);
});
