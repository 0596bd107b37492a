/** A push client that comes back whenever its connection is lost, and remembers all that it was sent, in order. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PUSH_SUBPROTOCOL, type ServerMessage } from '@annals/contracts/push/messages';
import { WebSocket } from 'ws';

export interface SocketOptions {
  /** The gateway's base URL. */
  readonly url: string;
  readonly channels: readonly string[];
  /** What was published before is none of its business. */
  readonly since: string;
  /** Signs in with it. */
  readonly token?: string;
}

/** What happened to a socket, each by kind: how often. */
export type Mishaps = Record<string, number>;

const PAUSE_MS = 50;

export class ReconnectingSocket {
  /** The positions of a channel's events, as they came. */
  readonly seen: ReadonlyMap<string, string[]>;
  /** Connections that were opened. */
  connections = 0;
  /** Subscriptions that were brought up to date. */
  recoveries = 0;
  /** Refused handshakes, lost connections by close code, errors by code, and recoveries that were not to be had. */
  readonly mishaps: Mishaps = {};
  readonly #options: SocketOptions;
  readonly #since: Map<string, string>;
  #socket: WebSocket | undefined;
  #isOver = false;
  readonly #done: Promise<void>;

  constructor(options: SocketOptions) {
    this.#options = options;
    this.seen = new Map(options.channels.map((channel) => [channel, []]));
    this.#since = new Map(options.channels.map((channel) => [channel, options.since]));
    this.#done = this.#run();
  }

  /** Cuts the connection, so that it has to come back. */
  cut(): void {
    this.#socket?.terminate();
  }

  /** The last position of `channel` that it knows of. */
  position(channel: string): string {
    return this.#since.get(channel) ?? '';
  }

  /** Goes for good. */
  async close(): Promise<void> {
    this.#isOver = true;
    this.#socket?.close();
    await this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const outcome = await this.#live();
      // Who is told to go to another server goes there at once.
      if (outcome === 'close 3001') continue;
      if (!this.#isOver) this.#count(outcome);
      await sleep(PAUSE_MS);
    }
  }

  /** One connection from its beginning to its end; says how it ended. */
  async #live(): Promise<string> {
    const socket = new WebSocket(`${this.#options.url.replace('http', 'ws')}/v1/push`, PUSH_SUBPROTOCOL);
    this.#socket = socket;
    const { promise: ended, resolve: end } = Promise.withResolvers<number>();
    socket.on('close', end);
    let refusal: string | undefined;
    socket.on('unexpected-response', (_, response) => {
      refusal = `handshake ${response.statusCode}`;
      socket.terminate();
    });
    socket.on('error', () => {});
    socket.on('message', (data) => {
      for (const line of data.toString().split('\n')) this.#take(socket, JSON.parse(line) as ServerMessage);
    });
    socket.on('open', () => {
      this.connections += 1;
      const { token, channels } = this.#options;
      if (token !== undefined) socket.send(JSON.stringify({ id: 'me', type: 'authenticate', token }));
      for (const channel of channels) this.#subscribe(socket, channel);
    });
    const code = await ended;
    return refusal ?? `close ${code}`;
  }

  #subscribe(socket: WebSocket, channel: string): void {
    if (socket.readyState !== WebSocket.OPEN) return;
    socket.send(JSON.stringify({ id: channel, type: 'subscribe', channel, since: this.#since.get(channel) }));
  }

  #take(socket: WebSocket, message: ServerMessage): void {
    if (message.type === 'event') {
      this.seen.get(message.channel)?.push(message.position);
      this.#since.set(message.channel, message.position);
    } else if (message.type === 'subscribed') {
      if (message.recovered) {
        this.recoveries += 1;
        this.#since.set(message.channel, message.position);
      } else {
        // Whoever reloads would go on from here; this client wants to see everything, and asks again.
        this.#count('not recovered');
        socket.terminate();
      }
    } else if (message.type === 'error') {
      this.#count(`error ${message.code}`);
      const { channel } = message;
      if (channel === undefined) socket.terminate();
      else setTimeout(() => this.#subscribe(socket, channel), PAUSE_MS);
    }
  }

  #count(what: string): void {
    this.mishaps[what] = (this.mishaps[what] ?? 0) + 1;
  }
}

/** What happened to all of them together. */
export function mishapsOf(sockets: readonly ReconnectingSocket[]): Mishaps {
  const sum: Mishaps = {};
  for (const { mishaps } of sockets)
    for (const [what, times] of Object.entries(mishaps)) sum[what] = (sum[what] ?? 0) + times;
  return sum;
}
