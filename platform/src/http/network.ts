/** Where requests are from, for counting callers: the address, and which network it belongs to. */
import { isIP, isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';

/**
 * The client's address. What a trusted proxy passes on that is no address stands for nobody: it could be made up anew for
 * every request. The proxy's own counts then.
 */
export function addressOf({ ip, socket }: Pick<FastifyRequest, 'ip' | 'socket'>): string {
  const { remoteAddress } = socket;
  return ip === remoteAddress || isIP(ip) !== 0 ? ip : (remoteAddress ?? ip);
}

/**
 * An IPv4 address (also one mapped into IPv6) stands for itself. An IPv6 host owns at least a /64 and could call from as
 * many addresses as it likes, so its network is that /64.
 */
export function networkOf(address: string): string {
  // Most are of IPv4, and to look at them closer costs more than all else that is done with them.
  if (!address.includes(':')) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const groups = head.split(':').filter((group) => group !== '');
  if (tail !== undefined) {
    const end = tail.split(':').filter((group) => group !== '');
    groups.push(...Array<string>(Math.max(0, 8 - groups.length - end.length)).fill('0'), ...end);
  }
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
