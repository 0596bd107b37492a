/**
 * Announcements of how far consumers are: (consumer, checkpoint, through). Between the two there was nothing to handle,
 * so whoever reads a checkpoint at or past the announced one may claim `through`. True for ever, whoever says it. Where few
 * documents of a view changed, also which: those who keep what they read need not let go of all of it.
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

/** All keys of a view whose documents may have changed from this checkpoint to the announced one. */
export type Changed = readonly [since: Position, ...keys: string[]];

export type Announcement = readonly [
  consumer: string,
  checkpoint: Position,
  through: Position,
  changed?: Changed,
];

/** Where more keys changed nobody is told which. */
const MAX_KEYS = 100;

export interface Progress {
  /** Announces at the end of this turn of the loop, together with all else that is new. */
  announce(...announcement: Announcement): void;
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
    announce(...announcement) {
      if (isClosed) return;
      const [consumer] = announcement;
      news.set(consumer, joined(news.get(consumer), announcement));
      sending ??= send();
    },
    async close() {
      isClosed = true;
      await sending;
    },
  };
}

/** Two announcements of a consumer, one after the other, as one. Whoever hears of a gap before `since` sees it there. */
export function joined(before: Announcement | undefined, after: Announcement): Announcement {
  if (!before) return after;
  const [, checkpointBefore, , changedBefore] = before;
  const [consumer, checkpoint, through, changed] = after;
  if (checkpoint === checkpointBefore && changedBefore) return [consumer, checkpoint, through, changedBefore];
  if (!changedBefore || changed?.[0] !== checkpointBefore) return after;
  const [since, ...keys] = changedBefore;
  const all = new Set([...keys, ...changed.slice(1)]);
  return all.size > MAX_KEYS
    ? [consumer, checkpoint, through]
    : [consumer, checkpoint, through, [since, ...all]];
}

/** What changed from `since` on; undefined where it is too much to tell. */
export function changedOf(since: Position, keys: ReadonlySet<string>): Changed | undefined {
  return keys.size > MAX_KEYS ? undefined : [since, ...keys];
}

/** Announcements as NOTIFY payloads of at most 7,900 bytes. Names, positions and keys of documents are ASCII. */
export function payloads(announcements: readonly Announcement[]): readonly string[] {
  const result: string[] = [];
  let current = '';
  for (const announcement of announcements) {
    const json = textOf(announcement);
    if (current !== '' && current.length + json.length + 3 > MAX_PAYLOAD) {
      result.push(`[${current}]`);
      current = '';
    }
    current = current === '' ? json : `${current},${json}`;
  }
  if (current !== '') result.push(`[${current}]`);
  return result;
}

function textOf(announcement: Announcement): string {
  const json = JSON.stringify(announcement);
  return json.length + 2 > MAX_PAYLOAD ? JSON.stringify(announcement.slice(0, 3)) : json;
}

/** The announcements of a payload that {@link payloads} made. */
export function parsePayload(payload: string): readonly Announcement[] {
  return JSON.parse(payload);
}
