/** What operators ask of the relays. */
import { Problem } from '@annals/contracts/problems';
import { topics, typeOf } from '@annals/contracts/topics';
import type { EventLog } from '@annals/platform/event-log/log';
import { UnknownPosition } from '@annals/platform/event-store/port';
import { type AdminRoute, adminRoute } from '@annals/platform/http/ops-server';
import { z } from 'zod';
import type { Relaying } from './relaying.ts';

const replay = z.strictObject({ from: z.string(), relay: z.string().optional() });

/**
 * `GET /admin/topics`: the topics, and the relays that fill them (none where they are off). `POST /admin/topics/replays`:
 * has one relay, or all, go back to `from` (`start`, or a position) and publish what follows again; what becomes of it
 * stands under `/admin/repairs`.
 */
export function topicRoutes(relaying: Relaying | null, log: EventLog): readonly AdminRoute[] {
  const positionOf = async (from: string): Promise<string> => {
    if (from === 'start') return log.start();
    try {
      await log.check(from);
      return from;
    } catch (error) {
      if (error instanceof UnknownPosition)
        throw new Problem('unknown-position', `${from} is no position of this log.`, { cause: error });
      throw error;
    }
  };

  return [
    adminRoute({ method: 'GET', path: '/admin/topics' }, async () => ({
      status: 200,
      body: {
        relays: relaying?.relays ?? [],
        topics: topics.all.map(({ name, carries, members }) => ({
          name,
          carries,
          types: members.map(typeOf),
        })),
      },
    })),
    adminRoute({ method: 'POST', path: '/admin/topics/replays', body: replay }, async ({ body }) => {
      if (!relaying) throw new Problem('unavailable', 'The relay is off: ANNALS_KAFKA_BROKERS is not set.');
      const chosen = relaying.relays.filter((name) => body.relay === undefined || name === body.relay);
      if (chosen.length === 0) throw new Problem('not-found', `${body.relay} is no relay.`);
      const position = await positionOf(body.from);
      const requests = chosen.map((consumer) =>
        relaying.consumers.request({ consumer, action: 'replay', position }),
      );
      return { status: 202, body: { ids: await Promise.all(requests) } };
    }),
  ];
}
