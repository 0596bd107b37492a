/** An SMTP server that keeps mails, and refuses some recipients in the words that real ones use. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

export interface MailServer {
  /** For `ANNALS_SMTP_URL`. */
  readonly url: string;
  /** Recipients of accepted mails. */
  readonly accepted: readonly string[];
  /** Recipients that were refused, once for each attempt. */
  readonly refused: readonly string[];
  close(): Promise<void>;
}

/** Refuses the addresses that `refuses` says. */
export async function startMailServer(refuses: (address: string) => boolean): Promise<MailServer> {
  const [accepted, refused]: [string[], string[]] = [[], []];
  const sockets = new Set<Socket>();
  const answer = (line: string): string => {
    const address = /^RCPT TO:<(.*)>/i.exec(line)?.[1];
    if (address === undefined) return /^DATA/i.test(line) ? '354 go on' : '250 fine';
    (refuses(address) ? refused : accepted).push(address);
    return refuses(address) ? `550 5.1.1 <${address}>: Recipient address rejected: ${address}` : '250 fine';
  };
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.write('220 mail.example.org\r\n');
    let isData = false;
    createInterface(socket).on('line', (line) => {
      if (isData && line !== '.') return;
      isData = /^DATA/i.test(line);
      socket.write(`${answer(line)}\r\n`);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accepted,
    refused,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
