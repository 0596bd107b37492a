/** Events of a user: the account, its profile, its sessions' end, its permissions. Streams: `user-<userId>`. */
import { z } from 'zod';
import { type DomainEventOf, defineAggregate, defineEvent, type EventOf } from '../kit/event.ts';
import { personal } from '../kit/personal.ts';
import { uuid } from '../kit/primitives.ts';
import { permissions } from '../kit/route.ts';

const permission = z.enum(permissions);

/** A user of the community, from registration to erasure. */
export const user = defineAggregate('user', {
  UserRegistered: defineEvent({
    version: 1,
    subject: 'userId',
    data: z.object({
      userId: uuid,
      username: personal(z.string()),
      /** Lower case. */
      email: personal(z.string()),
      firstName: personal(z.string()),
      lastName: personal(z.string()),
      /** Registered by an import: no password, no mail. */
      imported: z.boolean(),
    }),
  }),
  ProfileUpdated: defineEvent({
    version: 1,
    subject: 'userId',
    data: z.object({
      userId: uuid,
      firstName: personal(z.string()).optional(),
      lastName: personal(z.string()).optional(),
      bio: personal(z.string()).optional(),
      website: personal(z.string()).nullable().optional(),
    }),
  }),
  PermissionGranted: defineEvent({ version: 1, data: z.object({ userId: uuid, permission }) }),
  PermissionRevoked: defineEvent({ version: 1, data: z.object({ userId: uuid, permission }) }),
  UserDisabled: defineEvent({ version: 1, data: z.object({ userId: uuid }) }),
  UserEnabled: defineEvent({ version: 1, data: z.object({ userId: uuid }) }),
  /** The password is another one from here on. Before the first such event it is the one given at registration. */
  PasswordChanged: defineEvent({
    version: 1,
    data: z.object({
      userId: uuid,
      /** Names the hash that counts from here on. */
      passwordId: uuid,
      /** The session that goes on; every other one begun with an earlier password is over. */
      sessionId: uuid.nullable(),
    }),
  }),
  /** The address is proven: the first one, or another that takes its place. */
  EmailConfirmed: defineEvent({
    version: 1,
    subject: 'userId',
    data: z.object({
      userId: uuid,
      /** The request whose token proved it; the user's id for the address of the registration. */
      requestId: uuid,
      /** Lower case. */
      email: personal(z.string()),
    }),
  }),
  /** Another picture, or none. */
  AvatarChanged: defineEvent({
    version: 1,
    data: z.object({ userId: uuid, avatarId: uuid.nullable() }),
  }),
  /** The end: the key of the personal data is destroyed after this, and nothing follows. */
  UserErased: defineEvent({ version: 1, data: z.object({ userId: uuid }) }),
});

export type UserEvent = EventOf<typeof user>;
export type UserDomainEvent = DomainEventOf<typeof user>;
