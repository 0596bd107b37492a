import { once } from 'node:events';
import { createArticle, publishArticle } from '@annals/contracts/publishing/article.routes';
import { closeCodes, PUSH_SUBPROTOCOL } from '@annals/contracts/push/messages';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { newPerson } from '../e2e/people.ts';
import { startTestStack, type TestStack } from '../stack.ts';
import { counts } from './counts.ts';
import { type BulkPublisher, createBulkPublisher } from './push/bulk.ts';
import { publishedSince } from './push/published.ts';
import { mishapsOf, ReconnectingSocket } from './push/reconnecting-socket.ts';
import { report } from './report.ts';

const slowSockets = counts(5, 20);
const fastSockets = counts(10, 40);
const publishedAtLeast = counts(0, 60_000);
/** Before any socket is slow, so that what the work itself takes is not counted as theirs. */
const publishedBefore = counts(6_000, 40_000, 2_000);
/** By then more waits for a socket that does not read than the system's buffers and its queue may hold. */
const publishedAtMost = counts(60_000, 200_000);
const STEP = 2_000;
/** A deadline for everything of a step to be everywhere else; busy machines included. */
const DEADLINE_MS = 15_000;
const MEGABYTE = 1024 * 1024;
/** What waits for slow sockets (1 MiB each), the ring of recent lines (8 Mi characters), and what V8 keeps free. */
const memoryBound = (slowSockets + 16 + 128) * MEGABYTE;

let stack: TestStack;
let bulk: BulkPublisher;
let articleId: string;
let since: string;
const fast: ReconnectingSocket[] = [];
const slow: WebSocket[] = [];

beforeAll(async () => {
  stack = await startTestStack();
  bulk = await createBulkPublisher(stack);
  const { api } = await newPerson(stack.url, 'author');
  const created = await api.ok(createArticle, {
    body: { title: 'Much discussed', content: '<p>Words.</p>' },
  });
  articleId = created.body.id;
  const published = await api.ok(publishArticle, { params: { id: articleId } });
  since = published.headers.get('annals-position') ?? '';
});
afterAll(async () => {
  for (const socket of slow) socket.terminate();
  await Promise.all(fast.map((socket) => socket.close()));
  await bulk?.close();
  await stack?.stop();
});

const channel = () => `article:${articleId}`;

/** Follows the article, and then reads no more. Straight to the notifier: nobody else's buffers between. */
async function openSlow(): Promise<WebSocket> {
  const socket = new WebSocket(
    `${stack.mainUrl('notifier').replace('http', 'ws')}/v1/push`,
    PUSH_SUBPROTOCOL,
  );
  await once(socket, 'open');
  socket.send(JSON.stringify({ id: 1, type: 'subscribe', channel: channel() }));
  const [message] = (await once(socket, 'message')) as [Buffer];
  expect(JSON.parse(message.toString())).toMatchObject({ type: 'subscribed' });
  socket.pause();
  return socket;
}

/** A metric of the notifier; 0 where there is none yet. */
async function metric(name: string, label = ''): Promise<number> {
  const text = await (await fetch(`${stack.opsUrl('notifier')}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name}{`) && one.includes(label));
  return Number(line?.split(' ').at(-1) ?? 0);
}

const letGo = () => metric('annals_push_closes_total', `code="${closeCodes.tooSlow}"`);
const memory = () => metric('process_resident_memory_bytes');

/** Publishes a step; gives the milliseconds until every fast socket had all of it. */
async function publishToAll(): Promise<number> {
  const last = await bulk.publish(articleId, STEP);
  const startedAt = performance.now();
  const behind = () => fast.filter((socket) => socket.position(channel()) < last).length;
  await expect.poll(behind, { timeout: DEADLINE_MS, interval: 5 }).toBe(0);
  return performance.now() - startedAt;
}

test('a slow socket never slows the others and is let go with 3008', async () => {
  for (let n = 0; n < fastSockets; n++)
    fast.push(new ReconnectingSocket({ url: stack.url, channels: [channel()], since }));
  await expect
    .poll(() => fast.filter(({ recoveries }) => recoveries === 0).length, { timeout: 30_000 })
    .toBe(0);
  for (let n = 0; n < publishedBefore; n += STEP) await publishToAll();
  for (let n = 0; n < slowSockets; n++) slow.push(await openSlow());
  const closeCodesSeen = slow.map((socket) => once(socket, 'close').then(([code]) => code as number));

  const before = await memory();
  let [published, longestMs, mostMemory] = [0, 0, 0];
  while (published < publishedAtLeast || (await letGo()) < slowSockets) {
    expect(published, 'events published while slow sockets were still kept').toBeLessThan(publishedAtMost);
    longestMs = Math.max(longestMs, await publishToAll());
    published += STEP;
    mostMemory = Math.max(mostMemory, (await memory()) - before);
  }
  expect(mostMemory).toBeLessThan(memoryBound);

  for (const socket of slow) socket.resume();
  expect(new Set(await Promise.all(closeCodesSeen))).toEqual(new Set([closeCodes.tooSlow]));
  const { channels } = await publishedSince(stack, since);
  for (const socket of fast) expect(socket.seen.get(channel())).toEqual(channels.get(channel()));
  expect(mishapsOf(fast)).toEqual({});
  report(12, {
    'slow sockets': slowSockets,
    'other sockets': fastSockets,
    'events published': published,
    'longest delay of the others, ms': Math.round(longestMs),
    'memory grew by, MB': Math.round(mostMemory / MEGABYTE),
  });
});
