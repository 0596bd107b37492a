import { afterEach, beforeEach, expect, test } from 'vitest';
import { line, position, startPushServer, type TestClient, userId, waitFor } from './push-server.fixture.ts';

const CHANNEL = 'article:x';
let server: Awaited<ReturnType<typeof startPushServer>>;
beforeEach(async () => {
  server = await startPushServer({ sweepMs: 10, ringLines: 50 });
});
afterEach(() => server.stop());

async function follower(user: number | null, since?: number): Promise<TestClient> {
  const client = await server.connect();
  if (user !== null) await client.request({ id: 1, type: 'authenticate', token: `user-${user}` });
  const from = since === undefined ? {} : { since: position(since) };
  await client.request({ id: 2, type: 'subscribe', channel: CHANNEL, ...from });
  return client;
}

/** Lets query-api's answers wait until the test opens the gate. */
function slowAnswers(mayFollow: (channel: string, user: string | null) => boolean) {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.world.mayFollow = async (channel, user) => {
    await promise;
    return mayFollow(channel, user);
  };
  return resolve;
}

const owner = userId(1);
const isOwner = (_channel: string, user: string | null) => user === owner;

test('a channel that one may not see and one that is not there answer alike', async () => {
  server.world.mayFollow = () => false;
  const client = await server.connect();
  const [a, b] = [
    await client.request({ id: 1, type: 'subscribe', channel: 'article:x' }),
    await client.request({ id: 2, type: 'subscribe', channel: 'nonsense' }),
  ];
  expect({ ...a, id: 0, channel: '' }).toEqual({ ...b, id: 0, channel: '' });
  expect(a).toMatchObject({ type: 'error', code: 'forbidden' });
  expect(server.hub.channelCount).toBe(0);
});

test('nobody asks about the public channel, nor again about one that anonymous callers see', async () => {
  const client = await server.connect();
  await client.request({ id: 1, type: 'subscribe', channel: 'articles' });
  expect(server.world.asked).toEqual([]);
  await follower(null);
  for (const user of [1, 2, 3]) await follower(user);
  expect(server.world.asked).toEqual([{ channel: CHANNEL, userId: null, minPosition: position(100) }]);
});

test('the answer reflects everything published so far', async () => {
  server.publish([105]);
  await follower(1);
  expect(server.world.asked.at(-1)).toMatchObject({ minPosition: position(105) });
});

test('where query-api fails the answer is unavailable', async () => {
  server.world.mayFollow = () => Promise.reject(new Error('down'));
  const client = await server.connect();
  expect(await client.request({ id: 1, type: 'subscribe', channel: CHANNEL })).toMatchObject({
    code: 'unavailable',
  });
});

test('after a change of visibility nothing goes out before followers are checked; who may not see it any more is let go', async () => {
  const [own, other, anonymous] = [await follower(1), await follower(2), await follower(null)];
  const answer = slowAnswers(isOwner);
  server.publish([101], [CHANNEL], true);
  server.publish([102, 103], [CHANNEL]);
  server.publish([104], ['articles']);
  for (const client of [own, other, anonymous]) {
    await client.request({ id: 9, type: 'ping' });
    expect(client.events(CHANNEL)).toEqual([101]);
  }
  answer();
  for (const client of [other, anonymous]) {
    expect(await client.until(({ type }) => type === 'error')).toMatchObject({
      code: 'forbidden',
      channel: CHANNEL,
    });
  }
  await waitFor(() => own.events(CHANNEL).length === 3);
  server.publish([105], [CHANNEL]);
  await waitFor(() => own.events(CHANNEL).length === 4);
  expect(own.events(CHANNEL)).toEqual([101, 102, 103, 105]);
  for (const client of [other, anonymous]) expect(client.events(CHANNEL)).toEqual([101]);
  expect(server.world.asked.slice(-3).every(({ minPosition }) => minPosition === position(101))).toBe(true);
});

test('lines of the same batch after the change wait as well', async () => {
  const client = await follower(2);
  server.world.mayFollow = isOwner;
  const lines = [101, 102].map((n) => ({
    channel: CHANNEL,
    position: position(n),
    frame: '{"type":"event"}',
    changesVisibility: n === 101,
  }));
  server.hub.publish(lines, position(102));
  await client.until(({ type }) => type === 'error');
  expect(client.messages.filter(({ type }) => type === 'event')).toHaveLength(1);
});

test('a change during the check makes it start over', async () => {
  const client = await follower(2);
  const { promise: first, resolve: answerFirst } = Promise.withResolvers<boolean>();
  let asked = 0;
  server.world.mayFollow = () => (asked++ === 0 ? first : false);
  server.publish([101], [CHANNEL], true);
  await waitFor(() => asked === 1);
  server.publish([102], [CHANNEL], true);
  server.publish([103], [CHANNEL]);
  answerFirst(true);
  await client.until(({ type }) => type === 'error');
  expect(client.events(CHANNEL)).toEqual([101]);
});

test('who subscribes during the check waits for it, and gets every line once', async () => {
  const early = await follower(null);
  const answer = slowAnswers(() => true);
  server.publish([101], [CHANNEL], true);
  const late = await server.connect();
  late.send({ id: 2, type: 'subscribe', channel: CHANNEL, since: position(100) });
  await late.request({ id: 3, type: 'ping' });
  server.publish([102], [CHANNEL]);
  answer();
  await late.until(({ type }) => type === 'subscribed');
  server.publish([103], [CHANNEL]);
  await waitFor(() => early.events(CHANNEL).length === 3 && late.events(CHANNEL).length === 3);
  for (const client of [early, late]) expect(client.events(CHANNEL)).toEqual([101, 102, 103]);
});

test('a right that was checked before the change does not count for a subscription under way', async () => {
  const answers: ((allowed: boolean) => void)[] = [];
  server.world.mayFollow = () => new Promise((resolve) => answers.push(resolve));
  const client = await server.connect();
  client.send({ id: 2, type: 'subscribe', channel: CHANNEL });
  await waitFor(() => answers.length === 1);
  server.publish([101], [CHANNEL], true);
  answers[0]?.(true);
  await waitFor(() => answers.length === 2);
  answers[1]?.(false);
  expect(await client.until(({ id }) => id === 2)).toMatchObject({ code: 'forbidden' });
  server.publish([102], [CHANNEL]);
  expect(client.events(CHANNEL)).toEqual([]);
});

/** A subscription whose reading of the push log waits until the test lets it go on. */
async function slowReplay() {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.world.slowLog = promise;
  for (const n of [90, 95]) server.world.stored.push(line(n, CHANNEL));
  const client = await server.connect();
  client.send({ id: 2, type: 'subscribe', channel: CHANNEL, since: position(80) });
  await client.request({ id: 3, type: 'ping' });
  return { client, goOn: resolve };
}

test('lines that were read before a change of visibility are not sent after it unchecked', async () => {
  const { client, goOn } = await slowReplay();
  server.world.mayFollow = () => false;
  server.publish([101], [CHANNEL], true);
  goOn();
  expect(await client.until(({ id }) => id === 2)).toMatchObject({ code: 'forbidden' });
  expect(client.events(CHANNEL)).toEqual([]);
});

test('a replay that ends during a check joins after it, and gets every line once', async () => {
  const early = await follower(null);
  const { client, goOn } = await slowReplay();
  const answer = slowAnswers(() => true);
  server.hub.revalidate(Date.now() + 1_000);
  server.publish([101], [CHANNEL]);
  goOn();
  await client.request({ id: 4, type: 'ping' });
  answer();
  await client.until(({ id }) => id === 2);
  server.publish([102], [CHANNEL]);
  await waitFor(() => early.events(CHANNEL).length === 2 && client.events(CHANNEL).at(-1) === 102);
  expect(client.events(CHANNEL)).toEqual([90, 95, 101, 102]);
});

test('more waiting lines than the ring holds: followers are told to come back', async () => {
  const client = await follower(1);
  const answer = slowAnswers(() => true);
  server.publish([101], [CHANNEL], true);
  for (let n = 102; n < 200; n++) server.publish([n], [CHANNEL]);
  answer();
  expect(await client.until(({ type }) => type === 'error')).toMatchObject({
    code: 'unavailable',
    channel: CHANNEL,
  });
  expect(client.events(CHANNEL)).toEqual([101]);
});

test('where the check fails followers are told to come back', async () => {
  const client = await follower(1);
  server.world.mayFollow = () => Promise.reject(new Error('down'));
  server.publish([101], [CHANNEL], true);
  expect(await client.until(({ type }) => type === 'error')).toMatchObject({ code: 'unavailable' });
});

test('followers are checked again without a cause every 15 minutes', async () => {
  const client = await follower(2);
  server.world.mayFollow = isOwner;
  server.hub.revalidate(Date.now() - 1_000);
  await client.request({ id: 5, type: 'ping' });
  expect(client.messages.some(({ type }) => type === 'error')).toBe(false);
  server.hub.revalidate(Date.now() + 1_000);
  expect(await client.until(({ type }) => type === 'error')).toMatchObject({ code: 'forbidden' });
});

test('who loses a permission is checked before the lines of that batch', async () => {
  server.world.mayFollow = (_channel, user) => user !== null;
  const [losing, keeping] = [await follower(1), await follower(2)];
  server.world.mayFollow = (_channel, user) => user === userId(2);
  server.sessions.permissionsChanged(userId(1), position(102), server.hub);
  server.publish([101, 103], [CHANNEL]);
  await losing.until(({ type }) => type === 'error');
  await waitFor(() => keeping.events(CHANNEL).length === 2);
  expect(keeping.events(CHANNEL)).toEqual([101, 103]);
  expect(losing.events(CHANNEL)).toEqual([]);
});

test('who loses a permission while a subscription is under way is checked again before it goes on', async () => {
  server.world.mayFollow = (_channel, user) => user !== null;
  for (const n of [90, 95]) server.world.stored.push(line(n, CHANNEL));
  const { promise, resolve } = Promise.withResolvers<void>();
  server.world.slowLog = promise;
  const client = await server.connect();
  await client.request({ id: 1, type: 'authenticate', token: 'user-1' });
  client.send({ id: 2, type: 'subscribe', channel: CHANNEL, since: position(80) });
  await client.request({ id: 3, type: 'ping' });
  server.world.mayFollow = () => false;
  server.sessions.permissionsChanged(userId(1), position(101), server.hub);
  resolve();
  expect(await client.until(({ id }) => id === 2)).toMatchObject({ code: 'forbidden' });
  expect(client.events(CHANNEL)).toEqual([]);
});
