/** Events of a log-in session, for those who must put it out at once. Streams: `session-<sessionId>`. */
import { z } from 'zod';
import { defineAggregate, defineEvent, type EventOf } from '../kit/event.ts';
import { uuid } from '../kit/primitives.ts';

/** A session: begun by a log-in, ended by log-out, or by the reuse of a rotated refresh token. */
export const session = defineAggregate('session', {
  SessionRevoked: defineEvent({
    version: 2,
    data: z.object({
      sessionId: uuid,
      userId: uuid,
      reason: z.enum(['logged-out', 'refresh-token-reused', 'disabled', 'password-changed', 'erased']),
    }),
    // Version 1 knew fewer reasons.
    upcasters: { 1: (data) => data },
  }),
});

export type SessionEvent = EventOf<typeof session>;
