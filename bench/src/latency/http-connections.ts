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
  socket: Socket;
  received: Buffer;
  answered: ((answer: Answer) => void) | null;
}

/** A fixed number of connections to one server; a request waits for a free one. */
export class HttpConnections {
  readonly #url: URL;
  readonly #idle: Connection[] = [];
  readonly #all: Connection[] = [];
  readonly #waiting: ((connection: Connection) => void)[] = [];

  private constructor(url: URL) {
    this.#url = url;
  }

  static async open(url: string, count: number): Promise<HttpConnections> {
    const pool = new HttpConnections(new URL(url));
    for (let n = 0; n < count; n++) {
      const connection = { socket: await pool.#connect(), received: Buffer.alloc(0), answered: null };
      pool.#all.push(connection);
      pool.#listen(connection);
      pool.#idle.push(connection);
    }
    return pool;
  }

  /** Sends a request; `headers` are lines without their ends. */
  async request(method: string, path: string, headers: readonly string[], body = ''): Promise<Answer> {
    const connection =
      this.#idle.pop() ?? (await new Promise<Connection>((resolve) => this.#waiting.push(resolve)));
    if (connection.socket.readableEnded || !connection.socket.writable) {
      // Nothing was sent on it for so long that the server has closed it.
      connection.socket = await this.#connect();
      this.#listen(connection);
    }
    const lines = [`${method} ${path} HTTP/1.1`, `host: ${this.#url.host}`, ...headers];
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

  async #connect(): Promise<Socket> {
    const { hostname: host, port } = this.#url;
    const socket = connect({ host, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    return socket;
  }

  #listen(connection: Connection): void {
    connection.socket.on('data', (chunk: Buffer) => this.#receive(connection, chunk));
    connection.socket.on('error', (error) => {
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
