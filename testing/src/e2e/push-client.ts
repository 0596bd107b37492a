/** A push client for tests: a real WebSocket, its messages collected in order. */
import { once } from 'node:events';
import { PUSH_SUBPROTOCOL, type ServerMessage, serverMessage } from '@annals/contracts/push/messages';
import { WebSocket } from 'ws';

type EventMessage = Extract<ServerMessage, { type: 'event' }>;

export class PushClient {
  readonly socket: WebSocket;
  /** Every message so far, held against the protocol's schema. */
  readonly messages: ServerMessage[] = [];
  /** The close code, once closed. */
  closeCode: number | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => {
      for (const line of data.toString().split('\n'))
        this.messages.push(serverMessage.parse(JSON.parse(line)));
    });
    socket.on('close', (code) => {
      this.closeCode = code;
    });
  }

  /** Connects to the stack at `baseUrl`. */
  static async open(baseUrl: string): Promise<PushClient> {
    const socket = new WebSocket(`${baseUrl.replace('http', 'ws')}/v1/push`, PUSH_SUBPROTOCOL);
    const client = new PushClient(socket);
    await once(socket, 'open');
    return client;
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  /** The events of `channel` so far. */
  events(channel: string): EventMessage[] {
    return this.messages.filter(
      (message): message is EventMessage => message.type === 'event' && message.channel === channel,
    );
  }

  /** Sends a request and waits for the answer with its id. */
  async request(message: { id: number; type: string; [field: string]: unknown }): Promise<ServerMessage> {
    this.send(message);
    return this.until((candidate) => 'id' in candidate && candidate.id === message.id);
  }

  /** Waits for the first message that `accepts`; throws after 15 s. */
  async until(accepts: (message: ServerMessage) => boolean): Promise<ServerMessage> {
    const deadline = Date.now() + 15_000;
    for (;;) {
      const found = this.messages.find(accepts);
      if (found) return found;
      if (Date.now() > deadline) throw new Error(`no such message among ${JSON.stringify(this.messages)}`);
      await Promise.race([once(this.socket, 'message'), new Promise((resolve) => setTimeout(resolve, 200))]);
    }
  }

  async close(): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = once(this.socket, 'close');
    this.socket.close();
    await closed;
  }
}
