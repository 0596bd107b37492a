/** Unique keys that an event gives up become free again [I1, P1]. */
import { catalogue } from '@annals/contracts/catalogue';
import type { DomainEvent } from '@annals/contracts/kit/event';
import pLimit from 'p-limit';
import type { Commands, Reaction } from '../reactions/reaction.ts';

/** Commands under way at once. */
const CONCURRENCY = 8;
/** Reservations are what is released; they own no keys themselves. */
const RESERVATION = 'reservation';

/** Any event may give up keys; whoever holds one by another attempt keeps it, so that repetitions do nothing. */
export const releaseKeys: Reaction = {
  kind: 'worker-reaction',
  name: 'release_keys',
  version: 1,
  handles: new Set(
    [...catalogue.values()].filter(({ category }) => category !== RESERVATION).map(({ type }) => type),
  ),
  isOpenEnded: true,
  async react(events, commands) {
    const limit = pLimit(CONCURRENCY);
    await Promise.all(
      events.flatMap((event) => releasesOf(event).map((body) => limit(release, commands, event, body))),
    );
    return [];
  },
};

interface Release {
  readonly key: string;
  /** The stream that held the key. */
  readonly by: string;
  readonly attempt: string;
}

function releasesOf({ stream, metadata }: DomainEvent): Release[] {
  return (metadata.releases ?? []).map(({ key, attempt }) => ({ key, by: stream, attempt }));
}

function release(commands: Commands, event: DomainEvent, body: Release): Promise<void> {
  return commands.post(
    '/internal/reservations/release',
    body,
    `release:${event.id}:${body.attempt}:${body.key}`,
  );
}
