/** Sockets that follow what publishers do. */
import type { Publishers } from './publishers.ts';
import { ReconnectingSocket } from './reconnecting-socket.ts';

/** As many `anonymous` ones as said, and as many of the `authors`, which also follow what comes and goes. */
export function openSockets(
  url: string,
  { author, publicId, changingId, since }: Publishers,
  counts: { readonly anonymous: number; readonly authors: number },
): ReconnectingSocket[] {
  const everybodys = ['articles', `article:${publicId}`];
  const channels = [...everybodys, `article:${changingId}`];
  const { token = '' } = author.api;
  return [
    ...Array.from(
      { length: counts.anonymous },
      () => new ReconnectingSocket({ url, since, channels: everybodys }),
    ),
    ...Array.from({ length: counts.authors }, () => new ReconnectingSocket({ url, since, channels, token })),
  ];
}
