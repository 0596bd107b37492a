/** A push server for tests: real sockets; the log, the push log and query-api are played by the test. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '@annals/contracts/problems';
import { PUSH_SUBPROTOCOL } from '@annals/contracts/push/messages';
import { type Position, UnknownPosition } from '@annals/platform/event-store/port';
import { type ClientOptions, WebSocket } from 'ws';
import { Hub } from '../channels/hub.ts';
import type { PushLine } from '../frames/ring.ts';
import { defaultLimits, type PushLimits } from '../limits.ts';
import type { PushLog } from '../recovery/push-log.ts';
import type { SocketContext } from './context.ts';
import { Sessions } from './sessions.ts';
import { acceptUpgrades } from './upgrades.ts';

export const position = (n: number): Position => `testlog0.${n.toString(16).padStart(16, '0')}`;
export const userId = (n: number) => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`;

export interface Message {
  readonly id?: number;
  readonly type: string;
  readonly channel?: string;
  readonly position?: Position;
  readonly code?: string;
  readonly recovered?: boolean;
}

/** A client that remembers everything, frame by frame. */
export class TestClient {
  readonly socket: WebSocket;
  readonly frames: Message[][] = [];
  closeCode: number | undefined;

  constructor(url: string, options: ClientOptions & { protocol?: string | undefined } = {}) {
    const { protocol = PUSH_SUBPROTOCOL, ...rest } = options;
    this.socket = new WebSocket(url, protocol === '' ? [] : [protocol], rest);
    this.socket.on('message', (data) =>
      this.frames.push(
        data
          .toString()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ),
    );
    this.socket.on('close', (code) => {
      this.closeCode = code;
    });
    this.socket.on('error', () => {});
  }

  get messages(): Message[] {
    return this.frames.flat();
  }

  /** The positions of the channel's events, as numbers, in the order of their arrival. */
  events(channel: string): number[] {
    const events = this.messages.filter((message) => message.type === 'event' && message.channel === channel);
    return events.map((message) => Number.parseInt(message.position?.slice(9) ?? '', 16));
  }

  send(...messages: object[]): void {
    this.socket.send(messages.map((message) => JSON.stringify(message)).join('\n'));
  }

  /** Sends a request and waits for its answer. */
  async request(message: { id: number; type: string; [field: string]: unknown }): Promise<Message> {
    this.send(message);
    return this.until(({ id }) => id === message.id);
  }

  async until(accepts: (message: Message) => boolean): Promise<Message> {
    const found = () => this.messages.find(accepts);
    await waitFor(() => found() !== undefined || this.closeCode !== undefined);
    const message = found();
    if (!message)
      throw new Error(
        `closed with ${this.closeCode}, and no such message among ${JSON.stringify(this.messages)}`,
      );
    return message;
  }

  async closed(): Promise<number | undefined> {
    await waitFor(() => this.closeCode !== undefined);
    return this.closeCode;
  }
}

/** Waits for a condition, 10 s at most. */
export async function waitFor(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('waited in vain');
    await sleep(2);
  }
}

/** What the test decides. */
export interface World {
  /** The rows of the push log. */
  readonly stored: PushLine[];
  pushLogThrough: number;
  trimmedThrough: number | null;
  /** Reading the push log waits for this. */
  slowLog: Promise<void>;
  /** The head of the log. */
  head: number;
  /** Query-api's answer, by channel and user; may wait. */
  mayFollow: (channel: string, userId: string | null) => boolean | Promise<boolean>;
  /** Every question that query-api was asked. */
  readonly asked: { channel: string; userId: string | null; minPosition: Position }[];
  /** Added to the clock, in milliseconds. */
  later: number;
}

export async function startPushServer(limits: Partial<PushLimits> = {}, start = 100) {
  const world: World = {
    stored: [],
    pushLogThrough: start,
    trimmedThrough: null,
    slowLog: Promise.resolve(),
    head: start,
    mayFollow: () => true,
    asked: [],
    later: 0,
  };
  const all: PushLimits = { ...defaultLimits, recoverMs: 500, closeMs: 1_000, ...limits };
  const now = () => Date.now() + world.later;
  const access = {
    mayFollow: async (channel: string, user: string | null, minPosition: Position) => {
      world.asked.push({ channel, userId: user, minPosition });
      return world.mayFollow(channel, user);
    },
  };
  const delivered: number[] = [];
  const failures: unknown[] = [];
  const hub = new Hub(position(start), {
    access,
    ring: { lines: all.ringLines, size: all.ringSize },
    now,
    onDelivered: (count) => delivered.push(count),
  });
  const sessions = new Sessions(all, now);
  const context: SocketContext = {
    hub,
    access,
    recovery: { ring: hub.ring, log: pushLogOf(world), waitMs: all.recoverMs, stepLines: all.replayLines },
    verifyToken: (token) => verify(token, now()),
    isEnded: (identity) => sessions.isEnded(identity),
    checkPosition: async (asked) => {
      if (!asked.startsWith('testlog0.') || asked > position(world.head)) throw new UnknownPosition(asked);
    },
    limits: all,
    metrics: {
      delivered: () => {},
      closed: () => {},
      refused: () => {},
      recovered: () => {},
      failed: (error) => failures.push(error),
    },
    now,
  };
  const server = createServer((_request, response) => response.writeHead(426).end());
  acceptUpgrades(server, {
    context,
    sessions,
    publicUrl: 'http://annals.test',
    allowedOrigins: new Set(['http://annals.test']),
    isOpen: () => true,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v1/push`;
  const sweeper = setInterval(() => sessions.sweep(), all.sweepMs);
  const clients: TestClient[] = [];

  return {
    url,
    world,
    hub,
    sessions,
    delivered,
    failures,
    /** Opens a client. */
    async connect(): Promise<TestClient> {
      const client = new TestClient(url);
      clients.push(client);
      await once(client.socket, 'open');
      return client;
    },
    /** Publishes one line per number to each channel, as one batch of the log. */
    publish(
      numbers: readonly number[],
      channels: readonly string[] = ['articles'],
      changesVisibility = false,
    ): void {
      const lines = numbers.flatMap((n) => channels.map((channel) => line(n, channel, changesVisibility)));
      world.head = numbers.at(-1) ?? world.head;
      hub.publish(lines, position(world.head));
    },
    async stop(): Promise<void> {
      clearInterval(sweeper);
      for (const client of clients) client.socket.terminate();
      await waitFor(() => sessions.size === 0);
      server.close();
    },
  };
}

export function line(n: number, channel = 'articles', changesVisibility = false): PushLine {
  const frame = JSON.stringify({
    type: 'event',
    channel,
    position: position(n),
    event: { id: n, type: 'Test' },
  });
  return { channel, position: position(n), frame, changesVisibility };
}

/** `user-<n>`: a good token of user n; `user-<n>-for-<ms>`: one that expires. */
async function verify(token: string, now: number) {
  const [, n, ms] = /^user-(\d+)(?:-for-(\d+))?$/.exec(token) ?? [];
  if (n === undefined) throw new Problem('unauthenticated', 'The access token is not valid.');
  return { userId: userId(Number(n)), sessionId: `session-${n}`, expiresAt: now + Number(ms ?? 900_000) };
}

function pushLogOf(world: World): PushLog {
  const state = () => ({
    through: position(world.pushLogThrough),
    trimmedThrough: world.trimmedThrough === null ? null : position(world.trimmedThrough),
  });
  const after = (channel: string, since: Position) =>
    world.stored.filter((stored) => stored.channel === channel && stored.position > since);
  return {
    count: async (channel, since, max) => ({
      ...state(),
      count: Math.min(after(channel, since).length, max + 1),
    }),
    read: async (channel, since, limit) => {
      const page = { ...state(), lines: after(channel, since).slice(0, limit) };
      await world.slowLog;
      return page;
    },
  };
}
