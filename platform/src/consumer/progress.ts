/**
 * Announcements of how far consumers are: (consumer, checkpoint, through). Between the two there was nothing to handle,
 * so whoever reads a checkpoint at or past the announced one may claim `through`. True for ever, whoever says it.
 */
import type { Pool } from 'pg';
import type { Position } from '../event-store/port.ts';
import type { Logger } from '../telemetry/logger.ts';

export const PROGRESS_CHANNEL = 'annals_progress';

/** What fits into one NOTIFY, in bytes. */
const MAX_PAYLOAD = 7_900;

/**
 * Commits that notify take turns in the whole database, appends' among them, each until it is on disk. An announcement
 * has nothing to lose in a crash, so it does not wait for the disk.
 */
const ANNOUNCE = `
  select set_config('synchronous_commit', 'off', true), pg_notify('${PROGRESS_CHANNEL}', payload)
  from unnest($1::text[]) as payload
`;

export type Announcement = readonly [consumer: string, checkpoint: Position, through: Position];

export interface Progress {
  /** Announces at the end of this turn of the loop, together with all else that is new. */
  announce(consumer: string, checkpoint: Position, through: Position): void;
  /** Waits for announcements under way; later ones are dropped. */
  close(): Promise<void>;
}

/** Announces by NOTIFY over `pool`: one statement at a time, each with all that is new. What fails is dropped. */
export function createProgress({ pool, logger }: { readonly pool: Pool; readonly logger: Logger }): Progress {
  let news = new Map<string, Announcement>();
  let sending: Promise<void> | undefined;
  let isClosed = false;

  const send = async (): Promise<void> => {
    await new Promise(setImmediate);
    while (news.size > 0) {
      const announcements = [...news.values()];
      news = new Map();
      try {
        await pool.query({
          name: 'announce_progress',
          text: ANNOUNCE,
          values: [payloads(announcements)],
        });
      } catch (error) {
        logger.warn({ error }, 'progress not announced');
      }
    }
    sending = undefined;
  };

  return {
    announce(consumer, checkpoint, through) {
      if (isClosed) return;
      news.set(consumer, [consumer, checkpoint, through]);
      sending ??= send();
    },
    async close() {
      isClosed = true;
      await sending;
    },
  };
}

/** Announcements as NOTIFY payloads of at most 7,900 bytes. Names and positions are ASCII. */
export function payloads(announcements: readonly Announcement[]): readonly string[] {
  const result: string[] = [];
  let current = '';
  for (const announcement of announcements) {
    const json = JSON.stringify(announcement);
    if (current !== '' && current.length + json.length + 3 > MAX_PAYLOAD) {
      result.push(`[${current}]`);
      current = '';
    }
    current = current === '' ? json : `${current},${json}`;
  }
  if (current !== '') result.push(`[${current}]`);
  return result;
}

/** The announcements of a payload that {@link payloads} made. */
export function parsePayload(payload: string): readonly Announcement[] {
  return JSON.parse(payload);
}
