/** What operators ask of the projector. */
import type { ParkedDocument } from '@annals/platform/consumer/postgres/parked';
import type { Consumers } from '@annals/platform/consumer/runtime';
import { type AdminRoute, adminRoute } from '@annals/platform/http/ops-server';
import { z } from 'zod';

const repair = z.discriminatedUnion('action', [
  z.strictObject({ consumer: z.string(), action: z.enum(['retry', 'discard']), key: z.string() }),
  z.strictObject({ consumer: z.string(), action: z.literal('skip'), position: z.string() }),
  z.strictObject({
    consumer: z.string(),
    action: z.enum(['build', 'rebuild', 'switch', 'rollback', 'drop', 'verify']),
  }),
]);

/** The documents that wait for a repair, the longest parked first; of `consumer` alone where it is given. */
export type ParkedDocuments = (options: {
  readonly consumer: string | undefined;
  readonly limit: number;
}) => Promise<readonly ParkedDocument[]>;

/** Documents that one answer lists. */
const LISTED = 1_000;

/**
 * `GET /admin/status`: every consumer of the database, and which of them are views of this service. `GET /admin/parked`: the documents that wait for a repair, the
 * longest parked first. `GET`, `POST /admin/repairs`: what was asked of projections, how far it is, and became of it.
 */
export function consumerRoutes(
  consumers: Consumers,
  views: readonly string[],
  parkedIn: ParkedDocuments,
): readonly AdminRoute[] {
  return [
    adminRoute({ method: 'GET', path: '/admin/status' }, async () => ({
      status: 200,
      body: { isReady: consumers.isReady(), views, consumers: await consumers.status() },
    })),
    adminRoute(
      { method: 'GET', path: '/admin/parked', query: z.strictObject({ consumer: z.string().optional() }) },
      async ({ query: { consumer } }) => ({
        status: 200,
        body: { parked: await parkedIn({ consumer, limit: LISTED }) },
      }),
    ),
    adminRoute({ method: 'GET', path: '/admin/repairs' }, async () => ({
      status: 200,
      body: { repairs: await consumers.requests() },
    })),
    adminRoute({ method: 'POST', path: '/admin/repairs', body: repair }, async ({ body }) => ({
      status: 202,
      body: { id: await consumers.request(body) },
    })),
  ];
}
