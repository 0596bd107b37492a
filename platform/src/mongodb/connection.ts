/**
 * The driver's connection, mended. Its own (7.9, `writeCommand`) waits for the `drain` of a socket that closed just
 * before the command was written, for ever and whatever its time-outs: nobody emits that any more.
 */
import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';

type ConnectionClass = new (socket: EventEmitter, options: object) => EventEmitter;

const require = createRequire(import.meta.url);
const { Connection: DriverConnection }: { readonly Connection: ConnectionClass } =
  require('mongodb/lib/cmap/connection.js');

/** For the driver's option `connectionType`: a command whose socket is closed fails as one whose socket closes. */
export class Connection extends DriverConnection {
  constructor(socket: EventEmitter, options: object) {
    super(socket, options);
    // The driver listens first: the command that wakes finds the connection's error.
    socket.once('close', () => socket.emit('drain'));
  }
}
