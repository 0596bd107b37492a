/**
 * Events of what a user has asked for and must prove by a mailed token. They are apart from the user's own stream, so
 * that somebody who only knows an address moves no revision there. Streams: `verification-<userId>`.
 */
import { z } from 'zod';
import { type DomainEventOf, defineAggregate, defineEvent, type EventOf } from '../kit/event.ts';
import { personal } from '../kit/personal.ts';
import { timestamp, uuid } from '../kit/primitives.ts';

/** The requests of one user that were mailed a token. */
export const verification = defineAggregate('verification', {
  PasswordResetRequested: defineEvent({
    version: 1,
    data: z.object({
      userId: uuid,
      requestId: uuid,
      /** The password that may be replaced: the token dies with it. */
      passwordId: uuid,
      /** What the token names: that password, and the address that it is mailed to. Older events don't say. */
      proof: uuid.optional(),
      expiresAt: timestamp,
    }),
  }),
  EmailChangeRequested: defineEvent({
    version: 1,
    subject: 'userId',
    data: z.object({
      userId: uuid,
      requestId: uuid,
      /** The address to prove, in lower case. */
      email: personal(z.string()),
      /** The password that was proven to be known: the token dies with it. Older events don't say. */
      passwordId: uuid.optional(),
      expiresAt: timestamp,
    }),
  }),
});

export type VerificationEvent = EventOf<typeof verification>;
export type VerificationDomainEvent = DomainEventOf<typeof verification>;
