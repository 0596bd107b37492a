import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RECOVERABLE_MS } from '@annals/contracts/push/docs';
import { viewName } from '@annals/platform/consumer/projection';
import { type Fact, OPERATOR_TOKEN, openReadSide, type ReadSide } from '@annals/testing/read-side';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createApp } from './app.ts';
import { projections } from './projections.ts';
import { trimPushLog } from './push/trimming.ts';
import * as sample from './samples.fixture.ts';

let side: ReadSide;

const history: readonly Fact[] = [
  sample.registered(),
  sample.ofUser('ProfileUpdated', { bio: 'Writes programs.' }),
  sample.categoryCreated(),
  sample.created(),
  sample.published(),
  sample.liked(sample.ADA),
  sample.liked(sample.GRACE),
  sample.commented(),
  sample.followed({ userId: sample.ADA, followerId: sample.GRACE }),
  sample.updated({ title: 'New', slug: 'new', isPublished: true, tags: ['two'], previousTags: ['one'] }),
  sample.liked(sample.ADA, 'ArticleUnliked'),
  sample.deleted(true),
  sample.restored(true),
] as readonly Fact[];

beforeAll(async () => {
  side = await openReadSide();
  for (const fact of history) await side.append(fact);
});
afterAll(() => side?.drop());

interface Status {
  readonly isReady: boolean;
  readonly consumers: readonly { readonly consumer: string }[];
}

async function status(): Promise<Status> {
  const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` };
  const response = await fetch(`${side.opsUrl}/admin/status`, { headers });
  return (await response.json()) as Status;
}

/** Keeps the spans that it is sent. */
async function openCollector() {
  const bodies: Buffer[] = [];
  const server = createServer(async (request, response) => {
    bodies.push(...(await request.toArray()));
    response.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    await once(server.close(), 'close');
  };
  return { bodies, url: `http://127.0.0.1:${port}`, close };
}

/** All rows of all views, as stored. */
async function contents(): Promise<Record<string, unknown[]>> {
  const head = await side.log.head();
  await vi.waitFor(
    async () => {
      const { rows } = await side.pool.query(
        'select consumer from consumers.checkpoints where through < $1',
        [head],
      );
      expect(rows).toEqual([]);
    },
    { timeout: 15_000, interval: 50 },
  );
  const views = projections.map((projection) => viewName(projection));
  const all = await Promise.all(
    views.map(
      async (view) =>
        [view, (await side.pool.query(`select t::text from views.${view} t order by key`)).rows] as const,
    ),
  );
  return Object.fromEntries(all);
}

describe('the projector', () => {
  test('folds every view, says so to operators, and is ready once all are built', async () => {
    const filled = await contents();
    for (const [view, rows] of Object.entries(filled)) expect([view, rows.length > 0]).toEqual([view, true]);
    const { isReady, consumers } = await status();
    expect(isReady).toBe(true);
    expect(consumers.map(({ consumer }) => consumer).sort()).toEqual(
      projections.map((projection) => viewName(projection)).sort(),
    );
    for (const consumer of consumers)
      expect(consumer).toMatchObject({ isLive: true, parkedKeys: 0, held: null });
  });

  test('shows its status to nobody but operators', async () => {
    expect((await fetch(`${side.opsUrl}/admin/status`)).status).toBe(401);
  });

  test('P8 tells operators what is parked, by projection where they ask for one', async () => {
    const position = await side.log.head();
    const park = (consumer: string, key: string) =>
      side.pool.query(
        `with k as (insert into consumers.parked_keys (consumer, key, first_position, error) values ($1, $2, $3, 'TypeError'))
         insert into consumers.parked_events (consumer, key, position, stream, revision) values ($1, $2, $3, 'article-1', 4)`,
        [consumer, key, position],
      );
    const parked = async (query = '') => {
      const response = await fetch(`${side.opsUrl}/admin/parked${query}`, {
        headers: { authorization: `Bearer ${OPERATOR_TOKEN}` },
      });
      return ((await response.json()) as { parked: { key: string }[] }).parked;
    };
    await park('comments_v2', 'one');
    await park('likes_v1', 'two');
    expect((await parked()).map(({ key }) => key)).toEqual(['one', 'two']);
    expect(await parked('?consumer=likes_v1')).toEqual([
      {
        ...{
          consumer: 'likes_v1',
          key: 'two',
          error: 'TypeError',
          position,
          stream: 'article-1',
          revision: 4,
        },
        ...{ events: 1, parkedAt: expect.stringMatching(/Z$/) },
      },
    ]);
    await side.pool.query('delete from consumers.parked_keys');
  });

  test('rebuilds every view to what it was', async () => {
    const before = await contents();
    await side.projector.stop();
    for (const view of Object.keys(before)) await side.pool.query(`truncate views.${view}`);
    await side.pool.query('update consumers.checkpoints set position = $1, through = $1, is_live = false', [
      await side.log.start(),
    ]);
    const collector = await openCollector();
    const rebuilder = createApp({
      databaseUrl: side.url,
      host: '127.0.0.1',
      opsPort: 0,
      logLevel: 'silent',
      operatorToken: OPERATOR_TOKEN,
      masterKey: side.masterKey,
      otlpEndpoint: collector.url,
    });
    await rebuilder.start();
    try {
      expect(await contents()).toEqual(before);
    } finally {
      await rebuilder.stop();
    }
    await collector.close();
    const spans = Buffer.concat(collector.bodies).toString('latin1');
    expect(spans).toContain('projector');
    for (const projection of projections)
      expect(spans).toMatch(new RegExp(`consume[^]*${viewName(projection)}`));
  });
});

describe('trimming the push log', () => {
  const old = (n: number) => new Date(Date.now() - RECOVERABLE_MS - n * 1_000).toISOString();

  test('takes what is too old in steps, and says how far it went', async () => {
    const rows = [1, 2, 3, 4].map((n) => ({ key: `old@${n}`, position: `aaaaaaaa.${n}`, at: old(10 - n) }));
    await side.pool.query(
      `insert into views.push_log_v1 (key, doc, position, at)
       select key, '{}', position, at from json_to_recordset($1) as r(key text, position text, at timestamptz)`,
      [JSON.stringify(rows)],
    );
    const younger =
      (await side.pool.query('select count(*)::integer as count from views.push_log_v1')).rows[0].count - 4;
    const trimmed = async () => (await side.pool.query('select * from views.trimmed_through')).rows;
    expect(await trimmed()).toEqual([]);
    expect(await trimPushLog(side.pool, 3)).toBe(3);
    expect(await trimmed()).toEqual([{ view: 'push_log_v1', position: 'aaaaaaaa.3' }]);
    expect(await trimPushLog(side.pool, 3)).toBe(1);
    expect(await trimPushLog(side.pool, 3)).toBe(0);
    expect(await trimmed()).toEqual([{ view: 'push_log_v1', position: 'aaaaaaaa.4' }]);
    const left = (await side.pool.query('select count(*)::integer as count from views.push_log_v1')).rows[0]
      .count;
    expect(left).toBe(younger);
    expect(left).toBeGreaterThan(0);
  });
});
