/** Who may follow which push channel: one rule per kind of channel, in the `*.channels.ts` files. */
import type { Viewer } from '../publishing/standing.ts';
import type { Reader } from '../queries.ts';
import type { View } from '../views.ts';

/** Whoever may follow the channels of one kind. */
export interface ChannelRule {
  readonly kind: 'channel-rule';
  /** What follows the name's colon, e.g. the id of `article:<id>`; undefined for a name of another kind. */
  subjectOf(channel: string): string | undefined;
  readonly views: readonly View[];
  /** False also where there is no such channel. */
  mayFollow(reader: Reader, subject: string, viewer: Viewer): Promise<boolean>;
}

/** Defines the rule of the channels `<prefix>:<id>`. */
export function defineChannel(prefix: string, rule: Pick<ChannelRule, 'views' | 'mayFollow'>): ChannelRule {
  const start = `${prefix}:`;
  return {
    kind: 'channel-rule',
    subjectOf: (channel) => (channel.startsWith(start) ? channel.slice(start.length) : undefined),
    ...rule,
  };
}
