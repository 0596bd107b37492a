/** What the notifier asks query-api before it lets anyone follow a channel: an internal route, with a service token. */
import { z } from 'zod';
import { position, uuid } from '../kit/primitives.ts';

/**
 * `userId`: who asks; without it someone who is not signed in. The answer reflects the log up to `minPosition`, or is
 * `projection-behind` after 5 s. What anonymous callers may follow everyone may.
 */
export const channelCheck = {
  method: 'GET',
  path: '/internal/channels/{channel}',
  params: z.strictObject({ channel: z.string().min(1).max(100) }),
  query: z.strictObject({ userId: uuid.optional(), minPosition: position }),
} as const;

/** False also for a channel that is not there. */
export const channelCheckAnswer = z.object({ allowed: z.boolean() });

/** How long query-api waits for its views, in milliseconds. */
export const CHANNEL_CHECK_WAIT_MS = 5_000;
