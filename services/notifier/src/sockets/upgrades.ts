/** Turns upgrade requests into sessions. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { Problem } from '@annals/contracts/problems';
import { PUSH_SUBPROTOCOL } from '@annals/contracts/push/messages';
import { answerOnSocket } from '@annals/platform/http/client-error';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { Connection } from './connection.ts';
import type { SocketContext } from './context.ts';
import { refusalOf } from './handshake.ts';
import { Session } from './session.ts';
import type { Sessions } from './sessions.ts';

/** A socket that knows its session, so that all sockets share their listeners. */
class PushSocket extends WebSocket {
  session: Session | null = null;
}

export interface UpgradeOptions {
  readonly context: SocketContext;
  readonly sessions: Sessions;
  readonly publicUrl: string;
  readonly allowedOrigins: ReadonlySet<string>;
  /** False while the service is not ready or shuts down: upgrades get a 503. */
  readonly isOpen: () => boolean;
}

/** Accepts push sockets on `server`. */
export function acceptUpgrades(server: Server, options: UpgradeOptions): void {
  const { context, sessions } = options;
  const { limits, metrics } = context;
  const settings = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.messageBytes,
    maxFragments: limits.fragments,
    maxBufferedChunks: limits.chunks,
    autoPong: false,
    closeTimeout: limits.closeMs,
    handleProtocols: () => PUSH_SUBPROTOCOL,
    WebSocket: PushSocket,
  };
  const webSockets = new WebSocketServer(settings);
  server.maxConnections = limits.sockets + limits.handshakes;

  const refuse = (request: IncomingMessage, socket: Duplex, problem: Problem): void => {
    metrics.refused(problem.code);
    const instance = (request.url ?? '/').split('?', 1)[0] ?? '/';
    answerOnSocket(socket, problem, {
      publicUrl: options.publicUrl,
      instance,
      traceId: randomUUID().replaceAll('-', ''),
    });
  };

  server.on('upgrade', (request, socket, head) => {
    socket.on('error', destroy);
    const refusal = refusalOf(request, options.allowedOrigins);
    if (refusal) return refuse(request, socket, new Problem(refusal.code, refusal.detail));
    if (!options.isOpen())
      return refuse(request, socket, new Problem('unavailable', 'Push is not available right now.'));
    if (sessions.size >= limits.sockets)
      return refuse(request, socket, new Problem('unavailable', 'Too many push sockets.'));
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      socket.off('error', destroy);
      const session = new Session(context, new Connection(context, webSocket, socket));
      webSocket.session = session;
      sessions.add(session);
      webSocket.on('message', onMessage);
      webSocket.on('ping', onPing);
      webSocket.on('pong', onPong);
      webSocket.on('error', ignore);
      webSocket.on('close', () => sessions.remove(session));
    });
  });
}

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  (this as PushSocket).session?.receive(isBinary ? null : data.toString());
}

function onPing(this: WebSocket, data: Buffer): void {
  (this as PushSocket).session?.pinged(data);
}

function onPong(this: WebSocket): void {
  (this as PushSocket).session?.ponged();
}

/** What ws objects to (a frame too big, bad UTF-8) it closes with the fitting code itself. */
function ignore(): void {}

function destroy(this: Duplex): void {
  this.destroy();
}
