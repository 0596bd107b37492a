import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { projectionsCommand } from './projections.ts';

const VIEW = 'article_list_v4';
const HELD = 'testlog0.0000000000000007';
let server: Server;
let url: string;
/** What the projector was asked to do, and what it answers. */
let asked: object[];
let outcome: string | null;
let report: object | null;
let parked: object[];
let lines: string[];

const hash = 'a'.repeat(64);
const found = {
  ...{ rows: 3, expectedRows: 3, hash, expectedHash: hash },
  ...{ differences: 0, differing: [], parked: 0 },
};

beforeEach(async () => {
  vi.stubEnv('ANNALS_OPERATOR_TOKEN', 'operator');
  asked = [];
  lines = [];
  outcome = 'retried';
  report = null;
  parked = ['a', 'b'].map((key) => ({
    ...{ consumer: VIEW, key, error: 'TypeError', position: HELD, stream: `article-${key}`, revision: 3 },
    ...{ parkedAt: '2026-11-22T10:00:00.000Z', events: 2 },
  }));
  const consumer = { through: HELD, generation: 1, owner: 'host-1', isLive: true };
  const answers: Record<string, () => object> = {
    '/health/live': () => ({ service: 'projector' }),
    '/admin/status': () => ({
      views: [VIEW, 'likes_v1'],
      consumers: [
        { ...consumer, consumer: VIEW, parkedKeys: 2, held: null },
        {
          ...consumer,
          consumer: 'likes_v1',
          parkedKeys: 0,
          held: { position: HELD, error: 'UndecodableEvent' },
        },
      ],
    }),
    '/admin/parked': () => ({ parked }),
    '/admin/repairs': () => ({ repairs: asked.map((_, index) => ({ id: String(index), outcome, report })) }),
  };
  server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    const answer = answers[request.url?.split('?')[0] ?? ''];
    const isKnown = request.url === '/health/live' || request.headers.authorization === 'Bearer operator';
    if (request.method === 'POST') asked.push(JSON.parse(body));
    const created = { id: String(asked.length - 1) };
    response
      .writeHead(isKnown ? 200 : 401)
      .end(JSON.stringify(request.method === 'POST' ? created : answer?.()));
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

/** Runs the command; gives its exit code. */
async function projections(...args: string[]): Promise<number> {
  const line = (text: string) => void lines.push(text);
  const output = {
    line,
    json: (value: unknown) => line(JSON.stringify(value)),
    note: line,
    onUnread: () => undefined,
    isInteractive: false,
  };
  await projectionsCommand(output).parseAsync([...args, '--ops', url], { from: 'user' });
  return Number(process.exitCode ?? 0);
}

describe('annals projections', () => {
  test('X9 list shows what waits and what is held', async () => {
    expect(await projections('list')).toBe(0);
    expect(lines[1]).toMatch(/^article_list_v4 +1 +testlog0\.\S+ +host-1 +live +2$/);
    expect(lines[2]).toContain(`held at ${HELD}: UndecodableEvent`);
    await projections('list', '--json');
    expect(JSON.parse(lines.at(-1) ?? '').projections[0]).toMatchObject({ consumer: VIEW, parkedKeys: 2 });
  });

  test('X9 parked shows each document with the event that it waits at', async () => {
    expect(await projections('parked')).toBe(0);
    expect(lines[1]).toMatch(/^article_list_v4 +a +2 +2026-11-22T10:00:00.000Z +article-a@3 +TypeError$/);
    parked = [];
    await projections('parked', VIEW);
    expect(lines.at(-1)).toBe('Nothing is parked.');
  });

  test('X9 retry asks for each document, waits, and tells what became of it', async () => {
    expect(await projections('retry')).toBe(0);
    expect(asked).toEqual(['a', 'b'].map((key) => ({ consumer: VIEW, action: 'retry', key })));
    expect(lines).toEqual([`${VIEW} a: retried`, `${VIEW} b: retried`]);
    await projections('retry', VIEW, 'b', '--json');
    expect(asked.at(-1)).toEqual({ consumer: VIEW, action: 'retry', key: 'b' });
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({
      repairs: [{ projection: VIEW, subject: 'b', outcome: 'retried' }],
    });
  });

  test('X9 what fails again, and what nobody has done in time, is no success', async () => {
    outcome = 'failed again: TypeError';
    expect(await projections('retry', VIEW, 'a')).toBe(1);
    outcome = null;
    expect(await projections('retry', VIEW, 'a', '--wait', '0')).toBe(1);
    expect(lines).toEqual([
      `${VIEW} a: failed again: TypeError`,
      `${VIEW} a: asked for; nobody has done it yet`,
    ]);
  });

  test('X9 discard is confirmed, gives a document up, or passes over the event that is held', async () => {
    await expect(projections('discard', VIEW, 'a')).rejects.toThrow('use --yes');
    expect(asked).toEqual([]);
    outcome = 'discarded';
    expect(await projections('discard', VIEW, 'a', '--yes')).toBe(0);
    outcome = 'skipped';
    expect(await projections('discard', 'likes_v1', '--position', HELD, '--yes')).toBe(0);
    expect(asked).toEqual([
      { consumer: VIEW, action: 'discard', key: 'a' },
      { consumer: 'likes_v1', action: 'skip', position: HELD },
    ]);
  });

  test('P7 rebuild asks for it, waits, and tells what the verification found', async () => {
    outcome = 'switched';
    report = { phase: 'switching', fraction: 0, since: '2026-11-22T10:00:00.000Z', verification: found };
    expect(await projections('rebuild', VIEW)).toBe(0);
    expect(lines).toEqual([
      `${VIEW}: switched (3 documents, 3 by the log; content aaaaaaaaaaaa, aaaaaaaaaaaa by the log)`,
    ]);
    outcome = 'built';
    expect(await projections('rebuild', VIEW, '--no-switch')).toBe(0);
    expect(await projections('rebuild', VIEW)).toBe(1);
    expect(asked).toEqual(['rebuild', 'build', 'rebuild'].map((action) => ({ consumer: VIEW, action })));
  });

  test('P7 verify looks at all views, names what differs, and is no success then', async () => {
    outcome = 'not as the log says: 102 documents';
    report = {
      ...{ phase: 'done', fraction: 1, since: '2026-11-22T10:00:00.000Z' },
      verification: { ...found, hash: 'b'.repeat(64), differences: 102, differing: ['x', 'y'], parked: 1 },
    };
    expect(await projections('verify', '--json')).toBe(1);
    expect(asked.map((one) => (one as { consumer: string }).consumer)).toEqual([VIEW, 'likes_v1']);
    expect(JSON.parse(lines[0] ?? '').projections).toMatchObject([
      { projection: VIEW, outcome, verification: { differing: ['x', 'y'] } },
      { projection: 'likes_v1' },
    ]);
    lines = [];
    expect(await projections('verify', VIEW)).toBe(1);
    expect(lines).toEqual([
      `${VIEW}: ${outcome} (3 documents, 3 by the log; content bbbbbbbbbbbb, aaaaaaaaaaaa by the log; 1 parked)`,
      '  x',
      '  y',
      '  and 100 more',
    ]);
  });

  test('P7 switch, rollback and drop are asked for; drop is confirmed', async () => {
    for (const [action, told] of [
      ['switch', 'switched'],
      ['rollback', 'rolled back'],
    ] as const) {
      outcome = told;
      expect(await projections(action, VIEW)).toBe(0);
    }
    await expect(projections('drop', VIEW)).rejects.toThrow('use --yes');
    outcome = 'dropped';
    expect(await projections('drop', VIEW, '--yes')).toBe(0);
    outcome = null;
    expect(await projections('switch', VIEW, '--wait', '0')).toBe(1);
    expect(lines.at(-1)).toBe(`${VIEW}: asked for; not done yet`);
    expect(asked.map((one) => (one as { action: string }).action)).toEqual([
      ...['switch', 'rollback', 'drop', 'switch'],
    ]);
  });

  test.each([
    [['rebuild', 'nope_v1'], 'there is no projection nope_v1; there are article_list_v4, likes_v1'],
    [['verify', VIEW, '--wait', 'x'], '--wait must be a number of seconds'],
    [['retry', 'nope_v1'], 'there is no projection nope_v1; there are article_list_v4, likes_v1'],
    [['retry', VIEW, 'nobody'], 'nothing of nobody is parked in article_list_v4'],
    [['retry', '--wait', 'x'], '--wait must be a number of seconds'],
    [['discard', VIEW, 'nobody', '--yes'], 'nothing of nobody is parked in article_list_v4'],
    [['discard', VIEW, '--yes'], 'say which document, or with --position at which event'],
    [['discard', VIEW, '--position', HELD, '--yes'], `article_list_v4 is not held at ${HELD}`],
  ])('X9 %j says what is wrong, and asks for nothing', async (args, message) => {
    await expect(projections(...args)).rejects.toThrow(message);
    expect(asked).toEqual([]);
  });

  test('X9 a wrong operator token is told as such', async () => {
    vi.stubEnv('ANNALS_OPERATOR_TOKEN', 'other');
    await expect(projections('list')).rejects.toThrow('the projector answered 401');
  });
});
