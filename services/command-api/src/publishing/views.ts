/** How views of articles are counted, composed [P12]. */
import type { Releasers } from '@annals/platform/lifecycle/releasers';
import type { Platform } from '../platform.ts';
import { createReadingTable, type ReadingTable } from './reading-table.ts';
import { createViewCounter, type ViewCounter } from './view-counter.ts';

export interface Views {
  readonly counter: ViewCounter;
  readonly readings: ReadingTable;
}

/** What is held at the end is counted before the log closes. */
export function createViews({ pool, log, logger }: Platform, releasers: Releasers): Views {
  const readings = createReadingTable(pool);
  const counter = createViewCounter({ table: readings, log, logger });
  releasers.add(() => counter.flush());
  return { counter, readings };
}
