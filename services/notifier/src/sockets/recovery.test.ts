import { afterEach, beforeEach, expect, test } from 'vitest';
import { line, position, startPushServer, type TestClient, waitFor } from './push-server.fixture.ts';

let server: Awaited<ReturnType<typeof startPushServer>>;
beforeEach(async () => {
  server = await startPushServer({ sweepMs: 10, ringLines: 20, replayLines: 7 });
  // The log before this process: an event at every position, in the push log.
  for (let n = 1; n <= 100; n++) server.world.stored.push(line(n, n % 2 ? 'articles' : 'article:x'));
});
afterEach(() => server.stop());

/** Publishes, and stores as the projector would. */
function publishAndStore(...numbers: number[]): void {
  for (const n of numbers) {
    server.publish([n]);
    server.world.stored.push(line(n));
    server.world.pushLogThrough = n;
  }
}

const since = (client: TestClient, n: number, channel = 'articles') =>
  client.request({ id: 1, type: 'subscribe', channel, since: position(n) });
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
const odd = (n: number) => n % 2 === 1;

test('from the ring: what was missed first, then the answer, then what is live', async () => {
  publishAndStore(...range(101, 110));
  const client = await server.connect();
  expect(await since(client, 105)).toMatchObject({
    type: 'subscribed',
    recovered: true,
    position: position(110),
  });
  publishAndStore(111);
  await waitFor(() => client.events('articles').length === 6);
  expect(client.events('articles')).toEqual(range(106, 111));
  expect(client.messages.map(({ type }) => type)).toEqual([...Array(5).fill('event'), 'subscribed', 'event']);
});

test('nothing missed: nothing sent, and still recovered', async () => {
  publishAndStore(101);
  const client = await server.connect();
  expect(await since(client, 101)).toMatchObject({ recovered: true, position: position(101) });
  expect(client.events('articles')).toEqual([]);
});

test('from the push log and then the ring, each once and in order', async () => {
  publishAndStore(...range(101, 150));
  const client = await server.connect();
  expect(await since(client, 20)).toMatchObject({ recovered: true });
  publishAndStore(151);
  await waitFor(() => client.events('articles').at(-1) === 151);
  expect(client.events('articles')).toEqual([...range(21, 100).filter(odd), ...range(101, 151)]);
});

test('only lines of the channel', async () => {
  const client = await server.connect();
  await since(client, 90, 'article:x');
  expect(client.messages.slice(0, -1).map(({ channel }) => channel)).toEqual(Array(5).fill('article:x'));
  expect(client.events('article:x')).toEqual([92, 94, 96, 98, 100]);
});

test('while events keep coming, and the ring moves on under the replay', async () => {
  publishAndStore(...range(101, 130));
  const clients = await Promise.all(range(0, 9).map(() => server.connect()));
  let next = 131;
  const writer = setInterval(() => publishAndStore(next++, next++, next++), 1);
  await Promise.all(clients.map((client, n) => since(client, n * 10)));
  await waitFor(() => next > 300);
  clearInterval(writer);
  await waitFor(() => clients.every((client) => client.events('articles').at(-1) === next - 1));
  for (const [n, client] of clients.entries()) {
    expect(client.events('articles')).toEqual([
      ...range(n * 10 + 1, 100).filter(odd),
      ...range(101, next - 1),
    ]);
  }
});

test('waits for a push log that has not reached the ring yet', async () => {
  server.world.pushLogThrough = 95;
  const client = await server.connect();
  client.send({ id: 1, type: 'subscribe', channel: 'articles', since: position(90) });
  await client.request({ id: 2, type: 'ping' });
  server.publish([101]);
  expect(client.messages.some(({ type }) => type === 'subscribed')).toBe(false);
  server.world.pushLogThrough = 100;
  await client.until(({ type }) => type === 'subscribed');
  expect(client.events('articles')).toEqual([91, 93, 95, 97, 99, 101]);
});

test('a push log that does not get there in time: recovered is false, and nothing of it is sent', async () => {
  server.world.pushLogThrough = 95;
  const client = await server.connect();
  expect(await since(client, 90)).toMatchObject({ recovered: false, position: position(100) });
  publishAndStore(101);
  await waitFor(() => client.events('articles').length === 1);
  expect(client.events('articles')).toEqual([101]);
});

test('trimmed history: recovered is false', async () => {
  server.world.trimmedThrough = 50;
  const client = await server.connect();
  expect(await since(client, 49)).toMatchObject({ recovered: false });
  const other = await server.connect();
  expect(await since(other, 50)).toMatchObject({ recovered: true });
  expect(client.events('articles')).toEqual([]);
  expect(other.events('articles')).toEqual(range(51, 100).filter(odd));
});

test('more than 10,000 lines: recovered is false', async () => {
  server.world.stored.length = 0;
  for (let n = 0; n <= 10_000; n++) server.world.stored.push(line(n === 0 ? 1 : 2, 'articles'));
  const client = await server.connect();
  expect(await since(client, 0)).toMatchObject({ recovered: false });
  expect(await since(await server.connect(), 1)).toMatchObject({ recovered: true });
  expect(client.events('articles')).toEqual([]);
});

test('lines that are trimmed during a replay end the subscription: a gap is never hidden', async () => {
  const client = await server.connect();
  let reads = 0;
  Object.defineProperty(server.world, 'trimmedThrough', { get: () => (reads++ > 0 ? 60 : null) });
  expect(await since(client, 10)).toMatchObject({ type: 'error', code: 'unavailable' });
  expect(client.messages.some(({ type }) => type === 'subscribed')).toBe(false);
});

test('a position of another log, or past the head, is unknown', async () => {
  const client = await server.connect();
  expect(
    await client.request({
      id: 1,
      type: 'subscribe',
      channel: 'articles',
      since: 'otherlog.0000000000000001',
    }),
  ).toMatchObject({
    type: 'error',
    code: 'unknown-position',
  });
  expect(
    await client.request({ id: 2, type: 'subscribe', channel: 'articles', since: position(101) }),
  ).toMatchObject({
    code: 'unknown-position',
  });
  expect(await client.request({ id: 3, type: 'subscribe', channel: 'articles' })).toMatchObject({
    type: 'subscribed',
  });
});

test('a position that this process has not reached yet is waited for', async () => {
  server.world.head = 105;
  const client = await server.connect();
  client.send({ id: 1, type: 'subscribe', channel: 'articles', since: position(103) });
  await client.request({ id: 2, type: 'ping' });
  server.publish(range(101, 105));
  expect(await client.until(({ id }) => id === 1)).toMatchObject({ recovered: true });
  expect(client.events('articles')).toEqual([104, 105]);
});

test('a replay keeps to the client’s pace: little waits in the process, nothing is lost, nobody gets 3008', async () => {
  const big = 'x'.repeat(20_000);
  server.world.stored.length = 0;
  for (let n = 1; n <= 100; n++) {
    const frame = JSON.stringify({
      type: 'event',
      channel: 'articles',
      position: position(n),
      pad: big.repeat(5),
    });
    server.world.stored.push({ ...line(n), frame });
  }
  const client = await server.connect();
  client.send({ id: 1, type: 'subscribe', channel: 'articles', since: position(0) });
  client.socket.pause();
  publishAndStore(...range(101, 140));
  await new Promise((resolve) => setTimeout(resolve, 200));
  client.socket.resume();
  publishAndStore(141);
  await waitFor(() => client.events('articles').at(-1) === 141);
  expect(client.events('articles')).toEqual(range(1, 141));
});

test('replays of many channels at once share the socket’s pace: nobody who reads gets 3008', async () => {
  const channels = Array.from({ length: 20 }, (_, n) => `article:${n}`);
  const eventsOf = (id: number) => range(1, 4 * (channels.length - id));
  const pad = 'x'.repeat(30_000);
  server.world.stored.length = 0;
  for (const [id, channel] of channels.entries())
    for (const n of eventsOf(id)) {
      const frame = JSON.stringify({ type: 'event', channel, position: position(n), pad });
      server.world.stored.push({ ...line(n, channel), frame });
    }
  const client = await server.connect();
  client.send(...channels.map((channel, id) => ({ id, type: 'subscribe', channel, since: position(0) })));
  client.socket.pause();
  await new Promise((resolve) => setTimeout(resolve, 200));
  client.socket.resume();
  for (const [id, channel] of channels.entries()) {
    expect(await client.until((message) => message.id === id)).toMatchObject({
      type: 'subscribed',
      recovered: true,
    });
    expect(client.events(channel)).toEqual(eventsOf(id));
  }
  expect(client.closeCode).toBeUndefined();
});
