/** Who may follow a channel: the port towards query-api, and the decision for many at once. */
import type { Position } from '@annals/platform/event-store/port';
import type { Channel } from './channel.ts';

export interface ChannelAccess {
  /**
   * Whether `userId` (null: someone not signed in) may follow `channel`, as of `minPosition` or later; false also for
   * a channel that is not there. Throws where no answer can be had.
   */
  mayFollow(channel: string, userId: string | null, minPosition: Position): Promise<boolean>;
}

export type Verdict = 'allowed' | 'forbidden' | 'unavailable';

/** Asks for one caller. What anonymous callers may follow is public: then nobody else needs to be asked. */
export async function verdictFor(
  access: ChannelAccess,
  channel: Channel,
  userId: string | null,
  position: Position,
): Promise<Verdict> {
  if (channel.isPublic) return 'allowed';
  try {
    if (!(await access.mayFollow(channel.name, userId, position))) return 'forbidden';
  } catch {
    return 'unavailable';
  }
  if (userId === null && position > channel.publicAt) channel.publicAt = position;
  return 'allowed';
}

/** Asks for many callers, once for each; nobody but the anonymous caller is asked about a public channel. */
export async function verdictsFor(
  access: ChannelAccess,
  channel: Channel,
  userIds: ReadonlySet<string | null>,
  position: Position,
): Promise<Map<string | null, Verdict>> {
  const anonymous = await verdictFor(access, channel, null, position);
  const entries = [...userIds].map(async (userId) => {
    const verdict =
      userId === null || anonymous === 'allowed'
        ? anonymous
        : await verdictFor(access, channel, userId, position);
    return [userId, verdict] as const;
  });
  return new Map(await Promise.all(entries));
}
