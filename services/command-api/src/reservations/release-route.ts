/** The internal route by which the worker frees what an act gave up. */
import { type BoundInternalRoute, bindInternal } from '@annals/platform/http/bound-routes';
import { uuidv7 } from '@annals/platform/uuid';
import { z } from 'zod';
import type { Reservations } from './reservations.ts';

const body = z.strictObject({
  /** The reservation's stream. */
  key: z.string().regex(/^reservation-[0-9a-f]{64}$/),
  /** The stream whose event gave the key up. */
  by: z.string().min(3).max(200),
  attempt: z.uuid(),
});

/** Idempotent: a key that somebody else has by now is left alone. */
export function releaseRoute(reservations: Reservations): BoundInternalRoute {
  return bindInternal(
    { method: 'POST', path: '/internal/reservations/release', body },
    async ({ body: { key, by, attempt }, caller, traceparent }) => {
      const commandId = uuidv7();
      await reservations.release(
        key,
        { by, attempt },
        {
          commandId,
          correlationId: commandId,
          traceparent,
          now: new Date().toISOString(),
          actor: { kind: 'service', id: caller.name },
        },
      );
      return { status: 204 };
    },
  );
}
