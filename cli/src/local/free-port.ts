/** Ports that are free right now. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Systems give no port of this range to outgoing connections: who restarts on one finds it free again. */
const FIRST = 10_000;
const LAST = 32_000;
/**
 * Where `fetch` and browsers ask nobody, for other protocols live there (https://fetch.spec.whatwg.org/#port-blocking):
 * those from 1024 on.
 */
const BLOCKED: ReadonlySet<number> = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697,
  10080,
]);

/** True where `fetch` and browsers refuse to ask whoever listens on `port`. */
export function isPortBlocked(port: number): boolean {
  return BLOCKED.has(port);
}

/**
 * `count` different loopback ports that nobody listens on, none of them blocked; nothing keeps others from taking them
 * before their use. They follow each other, so that few of those who ask at the same time meet.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = new Map<number, Server>();
  for (let port = randomInt(FIRST, LAST); servers.size < count; port = port < LAST ? port + 1 : FIRST) {
    if (isPortBlocked(port)) continue;
    const server = await listen('127.0.0.1', port);
    if (server) servers.set(port, server);
  }
  await Promise.all([...servers.values()].map((server) => once(server.close(), 'close')));
  return [...servers.keys()];
}

/** True where `port` can be listened on at `host`. */
export async function isPortFree(host: string, port: number): Promise<boolean> {
  const server = await listen(host, port);
  if (server) await once(server.close(), 'close');
  return server !== null;
}

/** A server on `port`; null where it cannot be had. */
function listen(host: string, port: number): Promise<Server | null> {
  const server = createServer();
  const outcome = new Promise<Server | null>((resolve) => {
    server.once('error', () => resolve(null));
    server.once('listening', () => resolve(server));
  });
  server.listen(port, host);
  return outcome;
}
