/**
 * The push protocol under garbage, floods and half-open sockets, against a real notifier: it stays up, other sockets
 * notice nothing, whoever breaks the rules gets the right answer or the right close, and nothing grows without bound.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { clientMessage } from '@annals/contracts/push/messages';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { PushClient } from '../e2e/push-client.ts';
import { counts } from '../guarantees/counts.ts';
import { report } from '../guarantees/report.ts';
import { spoiled, valid } from './arbitrary.ts';
import {
  BINARY,
  CONTINUATION,
  encodeFrame,
  PING,
  PONG,
  type RawFrame,
  RawSocket,
  TEXT,
  text,
  UPGRADE,
} from './raw-socket.ts';
import { runs } from './runs.ts';

const url = inject('notifierUrl');
const opsUrl = inject('notifierOpsUrl');

/** A well-behaved client, connected all the time. */
let witness: PushClient;
let asked = 0;
let askedAt = 0;
let startedAt: number;
let half: ReturnType<typeof openHalves>;

beforeAll(async () => {
  half = openHalves();
  witness = await PushClient.open(url);
  await witness.request({ id: ++asked, type: 'subscribe', channel: 'articles' });
  startedAt = await metric('process_start_time_seconds');
});
afterAll(() => witness.close());

/** The value of one of the notifier's metrics. */
async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  const value = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`the notifier has no metric ${name}`);
  return Number(value);
}

/** It asks no more often than this: 300 messages a minute are its limit. */
const ASK_EVERY_MS = 250;

/** The witness is answered, the process is the same, and takes new sockets. */
async function allIsWell(): Promise<void> {
  expect(witness.closeCode).toBeUndefined();
  if (performance.now() - askedAt < ASK_EVERY_MS) return;
  askedAt = performance.now();
  // Answers are looked for among all messages: they shall not become too many.
  witness.messages.length = 0;
  expect(await witness.request({ id: ++asked, type: 'unsubscribe', channel: 'article:none' })).toMatchObject({
    type: 'ok',
  });
  expect(await metric('process_start_time_seconds')).toBe(startedAt);
}

/** Close codes that garbage may lead to: bad frames, bad UTF-8, too many pieces, too big, too many mistakes, not in time. */
const DUE_CODES = [1002, 1007, 1008, 1009, 3500, 3501];

const frames: fc.Arbitrary<RawFrame> = fc.record(
  {
    opcode: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(TEXT, CONTINUATION, BINARY, PING, PONG) },
      fc.nat(15),
    ),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 130 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom(0, 126, 65_536, 70_000).map((length) => Buffer.alloc(length, 'x')),
      fc.string({ unit: 'binary' }).map((string) => Buffer.from(string)),
    ),
    isFinal: fc.boolean(),
    reserved: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.nat(7)),
    isMasked: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, fc.constant(false)),
    claimedLength: fc.constantFrom(0, 1, 200, 65_535, 2 ** 40, Number.MAX_SAFE_INTEGER),
  },
  { requiredKeys: ['opcode', 'payload'] },
);

const messages = fc
  .oneof(valid(clientMessage), spoiled(valid(clientMessage)))
  .map((message) => JSON.stringify(message) ?? '');
const deep = fc.constantFrom(10, 10_000).map((depth) => '['.repeat(depth));
const lines = fc.oneof(
  { weight: 4, arbitrary: messages },
  deep,
  fc.string(),
  fc.constantFrom('', ' ', '\r', 'null'),
);

const garbage: fc.Arbitrary<Buffer> = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  frames.map(encodeFrame),
  fc.array(lines, { maxLength: 20 }).map((some) => text(some.join('\n'))),
);

test('garbage ends its own socket with the right code, and no other', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(garbage, { minLength: 1, maxLength: 15 }), async (pieces) => {
      const socket = await RawSocket.open(url);
      for (const piece of pieces) socket.write(piece);
      socket.tcp.end();
      expect(await socket.until(() => false, 15_000), 'the socket stays open').toBe(true);
      expect(socket.faults).toEqual([]);
      if (socket.closeCode !== undefined) expect([...DUE_CODES, 1000, 1005]).toContain(socket.closeCode);
      await allIsWell();
    }),
    runs(30, 3_000),
  );
  report(0, { 'sockets with garbage': counts(30, 3_000) });
});

test('every message is answered once, and the eleventh mistake ends the socket with 3500', async () => {
  const id = fc.nat(1_000);
  const answerable = fc.oneof(
    fc.record({ id, type: fc.constant('ping') }),
    fc.record({
      id,
      type: fc.constant('subscribe'),
      channel: fc.constantFrom('articles', 'article:none', 'x', '🦜'),
    }),
    fc.record({ id, type: fc.constant('unsubscribe'), channel: fc.constantFrom('articles', 'x') }),
    fc.record({
      id,
      type: fc.constant('subscribe'),
      channel: fc.constant('articles'),
      since: fc.constant('abcdefgh.0000000000000001'),
    }),
  );
  const mistakes = fc.oneof(
    fc.record({ id, type: fc.constant('authenticate'), token: fc.string({ maxLength: 30 }) }),
    spoiled(fc.record({ id, type: fc.constant('subscribe'), channel: fc.constant('articles') })).filter(
      (message) => !clientMessage.safeParse(message).success,
    ),
  );
  const said = fc.record({
    isMistake: fc.constant(false) as fc.Arbitrary<boolean>,
    message: answerable as fc.Arbitrary<unknown>,
  });
  const wrong = fc.record({ isMistake: fc.constant(true) as fc.Arbitrary<boolean>, message: mistakes });
  const split = fc.array(
    fc.array(fc.oneof({ weight: 3, arbitrary: said }, wrong), { minLength: 1, maxLength: 6 }),
    { maxLength: 6 },
  );
  await fc.assert(
    fc.asyncProperty(split, async (sent) => {
      const socket = await RawSocket.open(url);
      for (const frame of sent)
        socket.write(text(frame.map(({ message }) => JSON.stringify(message)).join('\n')));
      const all = sent.flat();
      const answers = () => socket.messages.filter(({ type }) => type !== 'event');
      const isOver = all.filter(({ isMistake }) => isMistake).length > 10;
      if (isOver) await socket.until(() => socket.closeCode !== undefined, 8_000);
      else await socket.until(() => answers().length >= all.length, 8_000);
      // Whatever comes too much would come before this.
      const count = answers().length;
      if (!isOver) {
        socket.write(text('{"id":"last","type":"ping"}'));
        await socket.until(() => answers().length > count);
      }
      socket.destroy();
      expect(socket.faults).toEqual([]);
      expect(socket.closeCode).toBe(isOver ? 3500 : undefined);
      if (!isOver) expect(answers()).toHaveLength(all.length + 1);
    }),
    runs(25, 2_000),
  );
  report(0, { 'sockets with mistakes': counts(25, 2_000) });
  await allIsWell();
});

describe('a flood', () => {
  const repeated = (frame: Buffer) =>
    Buffer.concat(Array.from({ length: Math.ceil(64_000 / frame.length) }, () => frame));
  const empty = (opcode: number, isFinal: boolean) =>
    encodeFrame({ opcode, isFinal, payload: Buffer.alloc(0) });
  const floods: readonly (readonly [name: string, bytes: Buffer, first?: Buffer])[] = [
    ['of messages', repeated(text('{"type":"ping"}'))],
    ['of garbage', repeated(text('{'))],
    ['of empty frames', repeated(empty(TEXT, true))],
    ['of blank lines', repeated(text('\n'.repeat(1_000)))],
    ['of binary frames', repeated(empty(BINARY, true))],
    ['of pings', repeated(encodeFrame({ opcode: PING, payload: Buffer.alloc(125) }))],
    ['of pongs', repeated(empty(PONG, true))],
    ['of empty fragments', repeated(empty(CONTINUATION, false)), empty(TEXT, false)],
    [
      'of small fragments',
      repeated(encodeFrame({ opcode: CONTINUATION, isFinal: false, payload: Buffer.from('x') })),
      empty(TEXT, false),
    ],
    [
      'of subscriptions',
      repeated(
        text(
          '{"id":1,"type":"subscribe","channel":"articles"}\n{"id":2,"type":"unsubscribe","channel":"articles"}',
        ),
      ),
    ],
    ['of refused subscriptions', repeated(text('{"id":1,"type":"subscribe","channel":"article:x"}'))],
  ];

  /** Of each of three sockets; what grew with it would exceed the megabytes that the process may grow by. */
  const MOST = counts(8, 128) * 1024 * 1024;
  /** V8 does not look at buffers that nobody holds before there are 64 MiB of them. */
  const GROWN_AT_MOST = counts(60, 160);

  test.each(floods.map(([name, bytes, first]) => ({ name, bytes, first })))(
    '$name, by clients that do not read, is cut off soon and takes no memory',
    async ({ bytes, first }) => {
      const before = await metric('process_resident_memory_bytes');
      const sockets = await Promise.all(Array.from({ length: 3 }, () => RawSocket.open(url)));
      await Promise.all(sockets.map((socket) => flood(socket, bytes, first, MOST)));
      await allIsWell();
      const grown = ((await metric('process_resident_memory_bytes')) - before) / 1024 / 1024;
      expect(grown).toBeLessThan(GROWN_AT_MOST);
      report(0, { floods: floods.length });
    },
  );

  /** Sends without reading until it is cut off; throws where it never is. */
  async function flood(
    socket: RawSocket,
    bytes: Buffer,
    first: Buffer | undefined,
    most: number,
  ): Promise<void> {
    socket.tcp.pause();
    if (first) socket.write(first);
    for (let sent = 0; sent < most && !socket.isClosed; sent += bytes.length) {
      const hasRoom = socket.tcp.writable && socket.tcp.write(bytes);
      if (!hasRoom) await socket.until(() => !socket.tcp.writable || socket.tcp.writableLength === 0, 15_000);
    }
    // The end is seen by those who read.
    socket.tcp.resume();
    const isOver = await socket.until(() => socket.closeCode !== undefined, 15_000);
    socket.destroy();
    expect(isOver, 'it goes on and on').toBe(true);
    if (socket.closeCode !== undefined) expect([1008, 3008, 3500]).toContain(socket.closeCode);
  }

  test('of sockets from one client leaves the others alone and nothing behind', async () => {
    for (let round = 0; round < counts(2, 20); round++) {
      const sockets = await Promise.all(Array.from({ length: 200 }, () => RawSocket.open(url)));
      for (const socket of sockets) socket.write(text('{"id":1,"type":"subscribe","channel":"articles"}'));
      await allIsWell();
      for (const socket of sockets) socket.destroy();
    }
    await expect.poll(() => metric('annals_push_sockets'), { timeout: 20_000 }).toBeLessThan(30);
  });
});

/** Sockets that stop half-way, opened before everything else: they are looked at last. */
function openHalves() {
  const begun = performance.now();
  const ends: Record<string, Promise<{ seconds: number; socket: RawSocket } | null>> = {};
  const watch = (name: string, open: Promise<RawSocket>) => {
    ends[name] = open.then(async (socket) => {
      const isOver = await socket.until(() => false, 60_000);
      const seconds = (performance.now() - begun) / 1_000;
      socket.destroy();
      return isOver ? { seconds, socket } : null;
    });
  };
  const begin = async (bytes: string) => {
    const socket = new RawSocket(url);
    socket.write(Buffer.from(bytes));
    return socket;
  };
  watch('a request that never begins', begin(''));
  watch('a handshake that never ends', begin(UPGRADE.slice(0, -2)));
  watch('a handshake that comes byte by byte', begin(UPGRADE.slice(0, -4)).then(drip));
  watch('a handshake and silence', RawSocket.open(url));
  watch(
    'a half-closed socket',
    RawSocket.open(url).then((socket) => {
      socket.tcp.end();
      return socket;
    }),
  );
  watch(
    'half a frame',
    RawSocket.open(url).then((socket) => {
      socket.write(text('{"id":1,"type":"ping"}').subarray(0, 9));
      return socket;
    }),
  );
  watch(
    'a frame that comes byte by byte',
    RawSocket.open(url).then((socket) => {
      socket.write(encodeFrame({ opcode: TEXT, payload: Buffer.alloc(0), claimedLength: 60_000 }));
      return drip(socket);
    }),
  );
  return ends;
}

function drip(socket: RawSocket): RawSocket {
  const timer = setInterval(
    () => (socket.isClosed ? clearInterval(timer) : socket.write(Buffer.from('x'))),
    200,
  );
  return socket;
}

test.each([
  ['a request that never begins', undefined],
  ['a handshake that never ends', undefined],
  ['a handshake that comes byte by byte', undefined],
  ['a handshake and silence', 3501],
  ['a half-closed socket', undefined],
  ['half a frame', 3501],
  ['a frame that comes byte by byte', 3501],
])('%s does not last', async (name, code) => {
  const end = await half[name];
  expect(end, 'it is still open after a minute').not.toBeNull();
  expect(end?.socket.closeCode).toBe(code);
});

test.each([
  ['no key', UPGRADE.replace(/Sec-WebSocket-Key.*\r\n/, ''), '400'],
  ['an old version', UPGRADE.replace('Version: 13', 'Version: 7'), '4'],
  ['no subprotocol', UPGRADE.replace(/Sec-WebSocket-Protocol.*\r\n/, ''), '400'],
  ['another path', UPGRADE.replace('/v1/push', '/v1/pull'), '404'],
  ['a body', UPGRADE.replace('Host: annals', 'Host: annals\r\nContent-Length: 1000000'), ''],
  ['a foreign origin', UPGRADE.replace('Host: annals', 'Host: annals\r\nOrigin: http://evil.test'), '403'],
  [
    'a head that is too large',
    UPGRADE.replace('Host: annals', `Host: annals\r\nX: ${'x'.repeat(20_000)}`),
    '431',
  ],
  ['no HTTP at all', '\u0000\u0001\u0002\r\n\r\n', '400'],
])('an upgrade with %s is refused at once', async (_name, request, status) => {
  const socket = new RawSocket(url);
  socket.write(Buffer.from(request, 'latin1'));
  await socket.until(() => socket.head.includes('\r\n\r\n'));
  expect(socket.head).toMatch(new RegExp(`^HTTP/1.1 ${status}`));
  await sleep(0);
  socket.destroy();
  await allIsWell();
});
