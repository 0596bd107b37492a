/** A push client below the library: writes whatever bytes it is told, and reads what comes back frame by frame. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ServerMessage, serverMessage } from '@annals/contracts/push/messages';

/** A frame as it goes over the wire, right or wrong. */
export interface RawFrame {
  readonly opcode: number;
  readonly payload: Buffer;
  readonly isFinal?: boolean;
  readonly reserved?: number;
  readonly isMasked?: boolean;
  /** What the header says, where that is not the payload's length. */
  readonly claimedLength?: number;
}

export const TEXT = 1;
export const CONTINUATION = 0;
export const BINARY = 2;
export const PING = 9;
export const PONG = 10;

const MASK = Buffer.from([1, 2, 3, 4]);

/** The frame's bytes. */
export function encodeFrame(frame: RawFrame): Buffer {
  const { opcode, payload, isFinal = true, reserved = 0, isMasked = true, claimedLength } = frame;
  const length = claimedLength ?? payload.length;
  const extended = length < 126 ? Buffer.alloc(0) : Buffer.alloc(length < 65_536 ? 2 : 8);
  if (extended.length === 2) extended.writeUInt16BE(length);
  if (extended.length === 8) extended.writeBigUInt64BE(BigInt(length));
  const short = extended.length === 0 ? length : extended.length === 2 ? 126 : 127;
  const head = Buffer.from([(isFinal ? 0x80 : 0) | (reserved << 4) | opcode, (isMasked ? 0x80 : 0) | short]);
  const masked = isMasked ? payload.map((byte, at) => byte ^ (MASK[at % 4] ?? 0)) : payload;
  return Buffer.concat([head, extended, ...(isMasked ? [MASK] : []), masked]);
}

export const text = (payload: string): Buffer => encodeFrame({ opcode: TEXT, payload: Buffer.from(payload) });

/** An upgrade request; without its last line feed it never ends. */
export const UPGRADE = [
  'GET /v1/push HTTP/1.1',
  'Host: annals',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol: annals.v1',
  '',
  '',
].join('\r\n');

export class RawSocket {
  readonly tcp: Socket;
  /** Every message so far; anything that is none throws in {@link faults}. */
  readonly messages: ServerMessage[] = [];
  readonly faults: string[] = [];
  /** The code of the server's close frame. */
  closeCode: number | undefined;
  isClosed = false;
  #received = Buffer.alloc(0);
  #isOpen = false;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.tcp = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    this.tcp.on('error', () => undefined);
    this.tcp.on('close', () => {
      this.isClosed = true;
    });
    this.tcp.on('end', () => this.tcp.end());
    this.tcp.on('data', (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      if (this.#isOpen) this.#read();
    });
  }

  /** Connects and shakes hands. */
  static async open(url: string): Promise<RawSocket> {
    const socket = new RawSocket(url);
    await once(socket.tcp, 'connect');
    socket.tcp.write(UPGRADE);
    await socket.until(() => socket.#received.includes('\r\n\r\n'));
    const end = socket.#received.indexOf('\r\n\r\n');
    if (!socket.#received.subarray(0, end).includes(' 101 '))
      throw new Error(`no handshake: ${socket.#received}`);
    socket.#begin(end + 4);
    return socket;
  }

  /** From `at` on what comes are frames. */
  #begin(at: number): void {
    this.#received = this.#received.subarray(at);
    this.#isOpen = true;
    this.#read();
  }

  /** What came before the handshake's end. */
  get head(): string {
    return this.#received.toString('latin1');
  }

  write(bytes: Buffer): void {
    if (this.tcp.writable) this.tcp.write(bytes);
  }

  /** Waits for a condition, or for the socket's end; false where neither comes within `ms`. */
  async until(condition: () => boolean, ms = 20_000): Promise<boolean> {
    const deadline = performance.now() + ms;
    while (!condition() && !this.isClosed) {
      if (performance.now() > deadline) return false;
      await sleep(5);
    }
    return true;
  }

  destroy(): void {
    this.tcp.destroy();
  }

  #read(): void {
    for (;;) {
      const frame = this.#next();
      if (!frame) return;
      const { opcode, payload } = frame;
      if (opcode === 8) this.closeCode = payload.length >= 2 ? payload.readUInt16BE() : 1005;
      if (opcode === TEXT) for (const line of payload.toString().split('\n')) this.#take(line);
    }
  }

  #take(line: string): void {
    try {
      this.messages.push(serverMessage.parse(JSON.parse(line)));
    } catch (error) {
      this.faults.push(`${line}: ${error}`);
    }
  }

  #next(): { opcode: number; payload: Buffer } | null {
    const bytes = this.#received;
    if (bytes.length < 2) return null;
    const short = (bytes[1] ?? 0) & 0x7f;
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < start) return null;
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < start + length) return null;
    this.#received = bytes.subarray(start + length);
    return { opcode: (bytes[0] ?? 0) & 0x0f, payload: bytes.subarray(start, start + length) };
  }
}
