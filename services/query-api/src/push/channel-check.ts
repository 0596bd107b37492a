/** Answers the notifier's question who may follow a channel. */

import {
  CHANNEL_CHECK_WAIT_MS,
  channelCheck,
  type channelCheckAnswer,
} from '@annals/contracts/push/channel-check';
import { publicChannels } from '@annals/contracts/push/channels';
import { type BoundInternalRoute, bindInternal } from '@annals/platform/http/bound-routes';
import type { z } from 'zod';
import type { PermissionsOf } from '../permissions.ts';
import type { QueryContext } from '../queries.ts';
import type { ChannelRule } from './channel-rule.ts';

export interface ChannelCheckOptions {
  readonly context: QueryContext;
  readonly rules: readonly ChannelRule[];
  readonly permissionsOf: PermissionsOf;
}

export function bindChannelCheck({ context, rules, permissionsOf }: ChannelCheckOptions): BoundInternalRoute {
  return bindInternal(channelCheck, async ({ params, query, signal }) => {
    const { channel } = params;
    const { userId = null, minPosition } = query;
    const answer = (allowed: boolean) => {
      const body: z.input<typeof channelCheckAnswer> = { allowed };
      return { status: 200, body };
    };
    if (publicChannels.has(channel)) return answer(true);
    // Whoever asks knows of an event that this process may not have followed yet, so the stream itself is read.
    const isStaff = userId !== null && (await permissionsOf(userId)).has('staff');
    const viewer = { userId, isStaff };
    for (const rule of rules) {
      const subject = rule.subjectOf(channel);
      if (subject === undefined) continue;
      const fresh = { minPosition, waitMs: CHANNEL_CHECK_WAIT_MS, signal };
      const { data } = await context.read(fresh, { views: rule.views }, (reader) =>
        rule.mayFollow(reader, subject, viewer),
      );
      return answer(data);
    }
    return answer(false);
  });
}
