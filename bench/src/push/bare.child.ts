/** The rival: a bare `ws` server that builds one frame and writes it to every socket. It is told what to send by TCP. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';

const sockets = new Set<Duplex>();
const webSockets = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false });
const server = createServer();
server.on('upgrade', (request, socket, head) => {
  webSockets.handleUpgrade(request, socket, head, (webSocket) => {
    sockets.add(socket);
    webSocket.on('message', () => undefined);
    webSocket.on('close', () => sockets.delete(socket));
    webSocket.on('error', () => undefined);
  });
});

/** Every line is a message for everyone. */
const control = createTcpServer((publisher) => {
  let rest = '';
  publisher.setNoDelay(true);
  publisher.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) broadcast(line);
  });
});

function broadcast(text: string): void {
  const frame = textFrame(Buffer.from(text));
  for (const socket of sockets) socket.write(frame);
}

/** A frame of 126 to 65,535 bytes. */
function textFrame(payload: Buffer): Buffer {
  const header = Buffer.from([0x81, 126, payload.length >> 8, payload.length & 0xff]);
  return Buffer.concat([header, payload]);
}

for (const listening of [server, control]) await once(listening.listen(0, '127.0.0.1'), 'listening');
const portOf = (listening: { address(): unknown }) => (listening.address() as AddressInfo).port;
process.on('disconnect', () => process.exit(0));
process.send?.({ port: portOf(server), controlPort: portOf(control) });
