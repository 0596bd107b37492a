/** What operators ask of the projector. */
import type { Consumers } from '@annals/platform/consumer/runtime';
import { type AdminRoute, adminRoute } from '@annals/platform/http/ops-server';
import { z } from 'zod';

const repair = z.discriminatedUnion('action', [
  z.strictObject({ consumer: z.string(), action: z.enum(['retry', 'discard']), key: z.string() }),
  z.strictObject({ consumer: z.string(), action: z.literal('skip'), position: z.string() }),
]);

/** `GET /admin/status`: every consumer of the database. `GET`, `POST /admin/repairs`: what was asked for, and became of it. */
export function consumerRoutes(consumers: Consumers): readonly AdminRoute[] {
  return [
    adminRoute({ method: 'GET', path: '/admin/status' }, async () => ({
      status: 200,
      body: { isReady: consumers.isReady(), consumers: await consumers.status() },
    })),
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
