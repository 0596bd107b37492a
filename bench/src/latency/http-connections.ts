/** Keep-alive connections over raw sockets: what is needed to send requests at a pace and read a few headers. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  /** Status line and headers, as they came. */
  readonly head: string;
  readonly body: string;
}

interface Connection {
  readonly socket: Socket;
  received: Buffer;
  answered: ((answer: Answer) => void) | null;
}

/** A fixed number of connections to one server; a request waits for a free one. */
export class HttpConnections {
  readonly #host: string;
  readonly #idle: Connection[] = [];
  readonly #all: Connection[] = [];
  readonly #waiting: ((connection: Connection) => void)[] = [];

  private constructor(host: string) {
    this.#host = host;
  }

  static async open(url: string, count: number): Promise<HttpConnections> {
    const { hostname, port, host } = new URL(url);
    const pool = new HttpConnections(host);
    for (let n = 0; n < count; n++) {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      await once(socket, 'connect');
      pool.#add(socket);
    }
    return pool;
  }

  /** Sends a request; `headers` are lines without their ends. */
  async request(method: string, path: string, headers: readonly string[], body = ''): Promise<Answer> {
    const connection =
      this.#idle.pop() ?? (await new Promise<Connection>((resolve) => this.#waiting.push(resolve)));
    const lines = [`${method} ${path} HTTP/1.1`, `host: ${this.#host}`, ...headers];
    if (body !== '')
      lines.push('content-type: application/json', `content-length: ${Buffer.byteLength(body)}`);
    const answer = new Promise<Answer>((resolve) => {
      connection.answered = resolve;
    });
    connection.socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`);
    return answer;
  }

  close(): void {
    for (const { socket } of this.#all) socket.destroy();
  }

  #add(socket: Socket): void {
    const connection: Connection = { socket, received: Buffer.alloc(0), answered: null };
    this.#all.push(connection);
    this.#idle.push(connection);
    socket.on('data', (chunk: Buffer) => this.#receive(connection, chunk));
    socket.on('error', (error) => {
      throw error;
    });
  }

  #receive(connection: Connection, chunk: Buffer): void {
    connection.received =
      connection.received.length === 0 ? chunk : Buffer.concat([connection.received, chunk]);
    const all = connection.received;
    const end = all.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = all.toString('latin1', 0, end);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (all.length < end + 4 + length) return;
    connection.received = Buffer.alloc(0);
    const { answered } = connection;
    const next = this.#waiting.shift();
    if (next) next(connection);
    else this.#idle.push(connection);
    answered?.({ status: Number(head.slice(9, 12)), head, body: all.toString('utf8', end + 4) });
  }
}
