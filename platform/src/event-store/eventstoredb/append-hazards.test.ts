/** The adapter survives each listed hazard of its client: appends, channels, answers. */
import type { EventStoreDbStandIn } from '@annals/testing/servers/eventstoredb-stand-in/stand-in';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type EventStore, EventTooLarge } from '../port.ts';
import { UnreadableRecord } from './errors.ts';
import { follow, type Hazards, newEvent, newStream, openHazards, raw, write } from './hazards.fixture.ts';

const PATIENT = { answerMs: 5_000 };

let hazards: Hazards;
let server: EventStoreDbStandIn;
let store: EventStore;

beforeAll(async () => {
  hazards = await openHazards();
  ({ server, store } = hazards);
});
afterEach(() => server.clear());
afterAll(() => hazards.close());

describe('appends whose outcome the client does not know', () => {
  test('one map of the process holds all that wait: a failing stream of one store neither loses nor doubles those of another', async () => {
    const other = await hazards.open(PATIENT);
    const { proxy: proxied, remote: failing } = await hazards.openBehindProxy(PATIENT);
    await Promise.all(
      [...Array.from({ length: 40 }, () => other), failing].map((one) =>
        one.append(newStream(), [newEvent()], 'none'),
      ),
    );
    await server.clear();
    await server.fault({ on: 'append', act: 'hold', times: 20 });
    const streams = Array.from({ length: 19 }, newStream);
    const appends = streams.map((stream) => other.append(stream, [newEvent()], 'none'));
    const own = failing.append(newStream(), [newEvent()], 'none');
    await expect.poll(async () => (await server.counts()).arrived).toBeGreaterThanOrEqual(20);
    proxied.cutClients();
    await own;
    // The answers come now, to a client that has forgotten who waits for them.
    await server.release();
    for (const { revision } of await Promise.all(appends)) expect(revision).toBe(0);
    for (const stream of streams) expect(await store.read(stream)).toHaveLength(1);
  });

  test('dozens of appends under way when the connection is lost happen once each, and nothing rejects unheard', async () => {
    const { proxy: proxied, remote } = await hazards.openBehindProxy(PATIENT);
    await Promise.all(Array.from({ length: 50 }, () => remote.append(newStream(), [newEvent()], 'none')));
    await server.clear();
    const large = 'x'.repeat(100_000);
    const streams = Array.from({ length: 50 }, newStream);
    const appends = streams.map((stream) => remote.append(stream, [newEvent({ large })], 'none'));
    const arrived = async () => (await server.counts()).arrived;
    await expect.poll(arrived, { interval: 1, timeout: 10_000 }).toBeGreaterThan(1);
    proxied.cutClients();
    await Promise.all(appends);
    const read = await Promise.all(streams.map((stream) => store.read(stream)));
    expect(read.filter((events) => events.length !== 1)).toEqual([]);
  });

  test.each([
    ['UNAVAILABLE', true],
    ['UNAVAILABLE', false],
    ['CANCELLED', true],
    ['UNKNOWN', true],
    ['INTERNAL', false],
    ['DEADLINE_EXCEEDED', true],
  ] as const)(
    '%s, appended already: %s: it is tried again as it was, and happens once',
    async (code, isApplied) => {
      for (const expected of ['none', 'any'] as const) {
        const stream = newStream();
        await server.fault({ on: 'append', act: 'fail', code, isApplied });
        expect((await store.append(stream, [newEvent(), newEvent()], expected)).revision).toBe(1);
        expect(await store.read(stream)).toHaveLength(2);
      }
    },
  );

  test.each(['Timeout', 'Unknown', 'NotReady'] as const)('%s for one append alone', async (error) => {
    const stream = newStream();
    await server.fault({ on: 'append', act: 'refuse', error, isApplied: error !== 'NotReady' });
    const { position } = await store.append(stream, [newEvent()], 'none');
    expect((await store.read(stream)).map((event) => event.position)).toEqual([position]);
  });

  test('it is tried again with the revision it began with: what others appended meanwhile is a conflict', async () => {
    const stream = newStream();
    await store.append(stream, [newEvent()], 'none');
    await server.fault({ on: 'append', act: 'fail', code: 'UNAVAILABLE', isApplied: false, times: 1_000 });
    const losing = store.append(stream, [newEvent()], 0).catch((error: unknown) => error);
    await expect.poll(async () => (await server.counts()).arrived).toBeGreaterThan(0);
    await server.inject(stream, [raw()]);
    await server.clear();
    expect(await losing).toMatchObject({ name: 'RevisionConflict', expected: 0, actual: 1 });
  });

  test('the client has no timer of its own: an answer that never comes is given up, and the append found', async () => {
    const stream = newStream();
    await server.fault({ on: 'append', act: 'silence', isApplied: true });
    expect((await store.append(stream, [newEvent()], 'none')).revision).toBe(0);
    expect(await store.read(stream)).toHaveLength(1);
  });

  test('another leader: the next call goes there', async () => {
    const stream = newStream();
    await server.fault({ on: 'append', act: 'not-leader', host: '127.0.0.1', port: server.port });
    expect((await store.append(stream, [newEvent()], 'none')).revision).toBe(0);
  });
});

describe('a channel', () => {
  test('that is dead after UnknownError is given up: the next call has another', async () => {
    const { proxy: proxied, remote } = await hazards.openBehindProxy();
    await remote.append(newStream(), [newEvent()], 'none');
    proxied.dropAnswers();
    // Nothing comes on this connection any more, and nothing closes it.
    const started = performance.now();
    expect((await remote.append(newStream(), [newEvent()], 'none')).revision).toBe(0);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test('that is dead does not keep the store from closing', async () => {
    const { proxy: proxied, remote } = await hazards.openBehindProxy();
    await remote.append(newStream(), [newEvent()], 'none');
    const live = await follow(remote);
    proxied.dropAnswers();
    await Promise.all([remote.close(), live.end()]);
  });

  test('is warmed by one append: the others wait for its answer', async () => {
    const cold = await hazards.open();
    await server.clear();
    await server.fault({ on: 'append', act: 'hold', times: 200 });
    const appends = Array.from({ length: 150 }, () => cold.append(newStream(), [newEvent()], 'none'));
    await expect.poll(async () => (await server.counts()).arrived).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await server.counts()).arrived).toBe(1);
    await server.clear();
    await Promise.all(appends);
    expect((await server.counts()).batchAppend).toBeLessThanOrEqual(1);
  });

  test('for commands is not that of subscriptions: each has a connection, and one that fails leaves the other alone', async () => {
    const { proxy: proxied, remote } = await hazards.openBehindProxy();
    expect(proxied.connections).toBe(1);
    const live = await follow(remote);
    await write(store, 1);
    await live.until(1);
    expect(proxied.connections).toBe(2);
    await server.clear();
    await server.fault({ on: 'append', act: 'fail', code: 'UNAVAILABLE', isApplied: false });
    await remote.append(newStream(), [newEvent(1)], 'none');
    await remote.append(newStream(), [newEvent(2)], 'none');
    expect(await live.until(3)).toEqual([0, 1, 2]);
    expect((await server.counts()).subscribe).toBe(0);
    await live.end();
  });

  test('appends share one call: batch append is used, and nothing gives it up', async () => {
    await server.clear();
    await write(store, 5);
    expect(await server.counts()).toMatchObject({ append: 0 });
  });
});

describe('answers', () => {
  test('without a position are read back', async () => {
    const stream = newStream();
    await server.fault({ on: 'append', act: 'no-position' });
    const { revision, position } = await store.append(stream, [newEvent(), newEvent()], 'none');
    expect(revision).toBe(1);
    expect((await store.read(stream))[1]?.position).toBe(position);
  });

  test('with data that is no JSON are an error, which the client hides', async () => {
    const stream = newStream();
    await server.inject(stream, [{ ...raw(), data: '{"cut' }]);
    await expect(store.read(stream)).rejects.toThrow(UnreadableRecord);
    const other = newStream();
    await server.inject(other, [{ ...raw(), metadata: '{"cut' }]);
    await expect(store.read(other)).rejects.toThrow(UnreadableRecord);
  });

  test('an append larger than the server allows is refused as too large', async () => {
    const events = [newEvent('x'.repeat(800_000)), newEvent('x'.repeat(800_000))];
    await expect(store.append(newStream(), events, 'none')).rejects.toThrow(EventTooLarge);
  });

  test('to reads: a failing one and one that never comes are tried again', async () => {
    const stream = newStream();
    await store.append(stream, [newEvent(1)], 'none');
    await server.fault({ on: 'read', act: 'fail', code: 'UNAVAILABLE' });
    await server.fault({ on: 'read', act: 'fail', code: 'UNKNOWN' });
    await server.fault({ on: 'read', act: 'silence' });
    expect(await store.read(stream)).toHaveLength(1);
  });
});
