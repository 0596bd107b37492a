/** The stack with its log in EventStoreDB, for which a stand-in serves. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  createArticle,
  getArticle,
  listArticles,
  publishArticle,
} from '@annals/contracts/publishing/article.routes';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type EventStoreDbStandIn,
  startEventStoreDbStandIn,
} from '../servers/eventstoredb-stand-in/stand-in.ts';
import { startTestStack, type TestStack } from '../stack.ts';
import { ids, writeArticle } from './articles.ts';
import { Api, after } from './client.ts';
import { newPerson } from './people.ts';
import { PushClient } from './push-client.ts';

const cli = fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url));

let server: EventStoreDbStandIn;
let stack: TestStack;

beforeAll(async () => {
  server = await startEventStoreDbStandIn();
  stack = await startTestStack({ eventstoreUrl: server.url });
});

afterAll(async () => {
  await stack?.stop();
  await server?.remove();
});

/** What the cli prints; also where it exits with 1, e.g. since a lease has just run out. */
async function annals(...args: string[]): Promise<string> {
  const run = promisify(execFile)(process.execPath, [cli, ...args, '--data', stack.dataFolder]);
  return run.then(
    ({ stdout }) => stdout,
    (error: { readonly stdout: string }) => error.stdout,
  );
}

describe('the log in EventStoreDB', () => {
  test('from a registration to a publication in a list, on a socket and in the log, across a restart of its server', async () => {
    const author = await newPerson(stack.url, 'author');
    const anonymous = new Api(stack.url);
    const socket = await PushClient.open(stack.url);
    await socket.request({ id: 1, type: 'subscribe', channel: 'articles' });

    const first = await writeArticle(author, { publish: true });
    expect(ids(await anonymous.ok(listArticles, after(first.last)))).toContain(first.id);

    await server.restart();
    const second = await writeArticle(author, { publish: true });
    expect(ids(await anonymous.ok(listArticles, after(second.last)))).toEqual([second.id, first.id]);
    const read = await anonymous.ok(getArticle, { params: { idOrSlug: second.id }, ...after(second.last) });
    expect(read.body).toMatchObject({ title: second.title, isPublished: true });

    await socket.until(({ type, ...rest }) => type === 'event' && JSON.stringify(rest).includes(second.id));
    expect(socket.events('articles').map(({ event }) => event.data.id)).toEqual([first.id, second.id]);
    await socket.close();
  });

  test('a command sent again under its key happens once', async () => {
    const author = await newPerson(stack.url, 'author');
    const request = {
      body: { title: 'Written twice', content: '<p>x</p>' },
      headers: { 'idempotency-key': 'twice' },
    };
    const answers = [
      await author.api.ok(createArticle, request),
      await author.api.ok(createArticle, request),
    ];
    expect(answers[1]?.body).toEqual(answers[0]?.body);
    const published = await author.api.ok(publishArticle, { params: { id: answers[0]?.body.id } });
    const list = await author.api.ok(listArticles, { query: { search: 'twice' }, ...after(published) });
    expect(list.body.results).toHaveLength(1);
  });

  test('a position that is none of the log’s is refused', async () => {
    const refused = await new Api(stack.url).call(listArticles, {
      headers: { 'annals-min-position': `zzzzzzzz.${'0'.repeat(32)}` },
    });
    expect(refused.body.code).toBe('unknown-position');
  });

  test('annals events tail and status read it, and PostgreSQL holds no log', async () => {
    const tail = await annals('events', 'tail', '--last', '2', '--no-follow', '--json');
    const events = tail
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; position: string });
    expect(events).toHaveLength(2);
    expect(events[1]?.type).toBe('ArticlePublished');
    const status = JSON.parse(await annals('status', '--json')) as {
      head: string;
      services: { name: string; state: string }[];
      consumers: { lag: number | null; held: unknown; parkedKeys: number }[];
    };
    expect(status.services.filter(({ state }) => state !== 'ready')).toEqual([]);
    expect(status.consumers.filter(({ held, parkedKeys }) => held !== null || parkedKeys > 0)).toEqual([]);
    expect(status.head >= (events[1]?.position ?? '')).toBe(true);
    expect(status.consumers.length).toBeGreaterThan(5);
    const client = new pg.Client({ connectionString: stack.databaseUrl });
    await client.connect();
    const { rows } = await client.query(
      "select from information_schema.schemata where schema_name = 'event_store'",
    );
    await client.end();
    expect(rows).toEqual([]);
  });
});
