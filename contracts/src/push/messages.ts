/** The push protocol `annals.v1`: every message of both directions. One frame may carry several, one a line. */
import { z } from 'zod';
import { position, timestamp, uuid } from '../kit/primitives.ts';

const id = z.union([z.int(), z.string().max(64)]);
const channel = z.string().min(1).max(100);

/** What clients send. `authenticate`, or a subscription to a public channel, comes within 10 s. */
export const clientMessage = z.discriminatedUnion('type', [
  z.strictObject({ id, type: z.literal('authenticate'), token: z.string().max(4_096) }),
  z.strictObject({ id, type: z.literal('subscribe'), channel, since: position.optional() }),
  z.strictObject({ id, type: z.literal('unsubscribe'), channel }),
  z.strictObject({ id: id.optional(), type: z.literal('ping') }),
]);
export type ClientMessage = z.infer<typeof clientMessage>;

/** What the event part of a frame says. */
const pushedEvent = z.object({
  id: uuid,
  type: z.string(),
  occurredAt: timestamp,
  data: z.record(z.string(), z.unknown()),
});

/**
 * What the server sends. After a `subscribe` with `since` the missed events come first and `subscribed` ends them;
 * its `position` is the one from which live events go on.
 */
export const serverMessage = z.discriminatedUnion('type', [
  z.object({ id, type: z.literal('authenticated'), userId: uuid }),
  z.object({ id, type: z.literal('subscribed'), channel, position, recovered: z.boolean() }),
  z.object({ type: z.literal('event'), channel, position, event: pushedEvent }),
  z.object({ id: id.optional(), type: z.literal('ok') }),
  z.object({
    id: id.optional(),
    type: z.literal('error'),
    code: z.enum([
      'bad-message',
      'unauthenticated',
      'token-expired',
      'forbidden',
      'unknown-position',
      'already-subscribed',
      'too-many-subscriptions',
      'too-many-messages',
      'cancelled',
      'unavailable',
    ]),
    detail: z.string(),
    /** The channel concerned, where there is one; without an `id` its subscription has ended. */
    channel: channel.optional(),
  }),
  z.object({ id: id.optional(), type: z.literal('pong') }),
]);
export type ServerMessage = z.infer<typeof serverMessage>;

/** 3000–3499: reconnect. 3500–3999: do not. */
export const closeCodes = {
  goingAway: 3001,
  tooSlow: 3008,
  badProtocol: 3500,
  unauthenticated: 3501,
  forbidden: 3503,
  tooBig: 1009,
} as const;

/** The WebSocket subprotocol. */
export const PUSH_SUBPROTOCOL = 'annals.v1';
