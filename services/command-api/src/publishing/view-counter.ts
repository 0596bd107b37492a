/**
 * Counts views of articles: a reader counts once an hour per article [P12]. Beacons are held in memory for a few
 * seconds and then counted together, whoever they came to. What a process that dies still holds is not counted.
 */
import type { ViewsEvent } from '@annals/contracts/publishing/views.events';
import type { EventLog } from '@annals/platform/event-log/log';
import { RevisionConflict } from '@annals/platform/event-store/port';
import type { Logger } from '@annals/platform/telemetry/logger';
import { uuidv7 } from '@annals/platform/uuid';
import { toEvents } from '../commands/events.ts';
import type { Reading, ReadingTable } from './reading-table.ts';

export interface ViewCounter {
  /** Notes that `reader` has read the article. Beyond {@link MAX_HELD} notes at a time, others are dropped. */
  note(reading: Reading): void;
  /** Counts what was noted: one event for all articles, or a few. */
  flush(): Promise<void>;
}

/** Notes held at a time; each takes some 200 bytes. */
export const MAX_HELD = 20_000;
/** Articles of one event. */
const MAX_ARTICLES = 1_000;
/** Events that could not be appended yet; older ones are given up. */
const MAX_UNSENT = 50;

/** One event to append. Appending it twice is appending it once. */
interface Batch {
  readonly viewsId: string;
  readonly at: string;
  readonly articles: ViewsEvent['data']['articles'];
}

export interface ViewCounterOptions {
  readonly table: Pick<ReadingTable, 'admit'>;
  readonly log: Pick<EventLog, 'append'>;
  readonly logger: Pick<Logger, 'warn'>;
}

export function createViewCounter({ table, log, logger }: ViewCounterOptions): ViewCounter {
  let held = new Map<string, Reading>();
  let unsent: Batch[] = [];
  let dropped = 0;

  async function count(): Promise<void> {
    if (held.size === 0) return;
    const noted = [...held.values()];
    held = new Map();
    unsent.push(...toBatches(await table.admit(noted)));
  }

  return {
    note(reading) {
      if (held.size < MAX_HELD) held.set(`${reading.articleId} ${reading.reader}`, reading);
      else dropped++;
    },
    async flush() {
      if (dropped > 0) logger.warn({ dropped }, 'views came faster than they are counted');
      dropped = 0;
      await count();
      for (let batch = unsent[0]; batch; batch = unsent[0]) {
        if (unsent.length > MAX_UNSENT) unsent = unsent.slice(-MAX_UNSENT);
        await send(log, batch);
        unsent = unsent.filter((other) => other !== batch);
      }
    },
  };
}

/** The admitted readings' articles, by how often they were read. */
function toBatches(articleIds: readonly string[]): Batch[] {
  const counts = new Map<string, number>();
  for (const id of articleIds) counts.set(id, (counts.get(id) ?? 0) + 1);
  const articles = [...counts].map(([articleId, count]) => ({ articleId, count }));
  const at = new Date().toISOString();
  return Array.from({ length: Math.ceil(articles.length / MAX_ARTICLES) }, (_, index) => ({
    viewsId: uuidv7(),
    at,
    articles: articles.slice(index * MAX_ARTICLES, (index + 1) * MAX_ARTICLES),
  }));
}

async function send(log: Pick<EventLog, 'append'>, { viewsId, at, articles }: Batch): Promise<void> {
  const stream = `views-${viewsId}`;
  const event: ViewsEvent = { type: 'ViewsCounted', data: { viewsId, articles } };
  const origin = {
    commandId: viewsId,
    correlationId: viewsId,
    traceparent: undefined,
    actor: { kind: 'system', id: null },
    now: at,
  } as const;
  try {
    await log.append(stream, toEvents(stream, [event], origin), 'none');
  } catch (error) {
    // It got there at an attempt whose outcome was not known.
    if (!(error instanceof RevisionConflict)) throw error;
  }
}
