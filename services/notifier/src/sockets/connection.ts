/** The sending side of one socket: frames out, never more waiting than it may, and the close. */
import type { Duplex } from 'node:stream';
import { closeCodes, type ServerMessage } from '@annals/contracts/push/messages';
import { WebSocket } from 'ws';
import { PING_FRAME, textFrame } from '../frames/text-frame.ts';
import type { SocketContext } from './context.ts';

export class Connection {
  readonly #context: SocketContext;
  readonly #webSocket: WebSocket;
  /** The TCP socket: shared frames are written to it directly, which is safe without compression. */
  readonly #socket: Duplex;
  /** Shared by all replays that wait. */
  #draining: Promise<void> | null = null;

  constructor(context: SocketContext, webSocket: WebSocket, socket: Duplex) {
    this.#context = context;
    this.#webSocket = webSocket;
    this.#socket = socket;
  }

  get isOpen(): boolean {
    return this.#webSocket.readyState === WebSocket.OPEN;
  }

  /** Whether so much waits already that the client counts as too slow. */
  get isFull(): boolean {
    return this.#socket.writableLength > this.#context.limits.queueBytes;
  }

  /** Sends a frame that others may share. */
  write(frame: Buffer): void {
    if (this.isOpen) this.#socket.write(frame);
  }

  pong(data: Buffer): void {
    this.#webSocket.pong(data);
  }

  ping(): void {
    this.write(PING_FRAME);
  }

  /** Null where a replay may go on; otherwise settles once the client has taken some of what waits for it. */
  backlog(): Promise<void> | null {
    if (!this.isOpen || this.#socket.writableLength <= this.#context.limits.replayBytes) return null;
    this.#draining ??= drained(this.#socket).finally(() => {
      this.#draining = null;
    });
    return this.#draining;
  }

  /** Sends lines, if there are any, as one frame. */
  replay(lines: readonly string[]): void {
    if (lines.length === 0) return;
    this.write(textFrame(lines.join('\n')));
    this.#context.metrics.delivered(lines.length);
  }

  /** Begins the closing handshake; false where it has begun already. */
  close(code: number, reason: string): boolean {
    if (!this.isOpen) return false;
    this.#context.metrics.closed(code);
    this.#webSocket.close(code, reason);
    return true;
  }

  /** Cuts the connection without a word. */
  terminate(): void {
    this.#webSocket.terminate();
  }
}

/** The frame of one message. */
export function messageFrame(message: ServerMessage): Buffer {
  return textFrame(JSON.stringify(message));
}

/** What a client is told that does not keep up. */
export const tooSlow = { code: closeCodes.tooSlow, reason: 'too slow' } as const;

function drained(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
  });
}
