/** Many subscribers as raw sockets: they count messages without parsing what is in them. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { PUSH_SUBPROTOCOL } from '@annals/contracts/push/messages';
import { FrameCounter } from './frame-counter.ts';

/** Handshakes under way at once: below the backlog of a listening socket. */
const AT_ONCE = 100;

/** Without a payload, as the server's pings are; a mask of zeros is a mask. */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);

export interface GrowOptions {
  readonly port: number;
  readonly count: number;
  /** One for each: it authenticates and subscribes. None: it only connects. */
  readonly tokens: readonly string[];
}

export class Crowd {
  readonly #sockets: Socket[] = [];
  /** Messages that arrived, counted per socket. */
  deliveries = 0;
  frames = 0;
  /** Called after each chunk that completed a frame. */
  onFrames: () => void = () => undefined;

  get size(): number {
    return this.#sockets.length;
  }

  /** Opens `count` more sockets; resolves when all of them follow. */
  async grow({ port, count, tokens }: GrowOptions): Promise<void> {
    for (let first = 0; first < count; first += AT_ONCE) {
      const group = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, n) =>
        this.#open(port, tokens[first + n]),
      );
      this.#sockets.push(...(await Promise.all(group)));
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #open(port: number, token: string | undefined): Promise<Socket> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    socket.on('error', fail);
    socket.write(
      `GET /v1/push HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${token ? `Sec-WebSocket-Protocol: ${PUSH_SUBPROTOCOL}\r\n` : ''}\r\n`,
    );
    await untilText(socket, '\r\n\r\n');
    if (token) {
      socket.write(maskedText(JSON.stringify({ id: 1, type: 'authenticate', token })));
      await untilText(socket, '"authenticated"');
      socket.write(maskedText(JSON.stringify({ id: 2, type: 'subscribe', channel: 'articles' })));
      await untilText(socket, '"subscribed"');
    }
    const counter = new FrameCounter();
    socket.on('data', (chunk: Buffer) => {
      const lines = counter.take(chunk);
      if (counter.hasPing) socket.write(PONG);
      if (lines === 0) return;
      this.deliveries += lines;
      this.frames += counter.frames;
      this.onFrames();
    });
    return socket;
  }
}

function fail(error: Error): void {
  throw error;
}

async function untilText(socket: Socket, wanted: string): Promise<void> {
  for (let text = ''; !text.includes(wanted); ) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    text += chunk.toString('latin1');
    if (text.includes('"error"')) throw new Error(`a subscriber was refused: ${text}`);
  }
}

/** A client's text frame; a mask of zeros is a mask. */
function maskedText(text: string): Buffer {
  const payload = Buffer.from(text);
  const header =
    payload.length < 126
      ? Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0])
      : Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 0xff, 0, 0, 0, 0]);
  return Buffer.concat([header, payload]);
}
