/** A connection whose statements leave together. */
import { Socket } from 'node:net';
import pg from 'pg';

export interface CorkedClient {
  readonly client: pg.Client;
  /** Calls `send`; the statements that it asks go out in one write, where each would be a system call of its own. */
  atOnce<Result>(send: (client: pg.Client) => Result): Result;
}

/** A client that is not connected yet; `config` has `pipeline`. */
export function createCorkedClient(config: pg.ClientConfig): CorkedClient {
  const socket = new Socket();
  const client = new pg.Client({ ...config, stream: () => socket });
  return {
    client,
    atOnce(send) {
      socket.cork();
      try {
        return send(client);
      } finally {
        socket.uncork();
      }
    },
  };
}
