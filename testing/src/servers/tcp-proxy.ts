/** A TCP proxy for tests of lost connections: it can hold back what one side says and cut the client off. */
import { connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** How many clients are connected. */
  readonly connections: number;
  /** From now on, what the clients connected now send is kept back; {@link release} lets it through. */
  holdRequests(): void;
  /** From now on, what the server answers to the clients connected now is dropped. */
  dropAnswers(): void;
  /** Ends the clients' connections; the server's ends stay open, as in a network that has gone. */
  cutClients(): void;
  /** Delivers what was held back, to server connections that may have lost their client. */
  release(): void;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  readonly held: Buffer[];
  isHolding: boolean;
  isDropping: boolean;
}

/** A proxy on a free port of the loopback interface in front of `target`. */
export async function tcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  const listener = createServer((client) => {
    const server = connect(target);
    const pair: Pair = { client, server, held: [], isHolding: false, isDropping: false };
    pairs.add(pair);
    client.on('data', (data) => (pair.isHolding ? pair.held.push(data) : server.write(data)));
    server.on('data', (data) => pair.isDropping || client.write(data));
    client.on('end', () => pair.isHolding || pair.isDropping || server.end());
    server.on('close', () => {
      client.destroy();
      pairs.delete(pair);
    });
    for (const socket of [client, server]) socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');

  const each = (act: (pair: Pair) => void): (() => void) => {
    return () => {
      for (const pair of [...pairs]) act(pair);
    };
  };
  return {
    port: address.port,
    get connections() {
      return pairs.size;
    },
    holdRequests: each((pair) => {
      pair.isHolding = true;
    }),
    dropAnswers: each((pair) => {
      pair.isDropping = true;
    }),
    cutClients: each((pair) => {
      pair.client.destroy();
    }),
    release: each((pair) => {
      pair.isHolding = false;
      for (const data of pair.held.splice(0)) pair.server.write(data);
    }),
    close: async () => {
      for (const pair of pairs) {
        pair.client.destroy();
        pair.server.destroy();
      }
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
