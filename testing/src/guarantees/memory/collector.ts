/** Preloaded into the processes of a stack: on SIGUSR2 each collects its garbage, and says in a file what is left. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryFolder } from '../../config.ts';

async function tell(folder: string): Promise<void> {
  // Twice, with a turn of the loop between: what finalizers hold is let go in the second.
  for (let n = 0; n < 2; n++) {
    globalThis.gc?.();
    await sleep(50);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  const file = join(folder, `${process.pid}.json`);
  writeFileSync(`${file}.new`, JSON.stringify({ held: heapUsed + external, rss }));
  renameSync(`${file}.new`, file);
}

if (memoryFolder !== undefined) {
  const folder = memoryFolder;
  process.on('SIGUSR2', () => void tell(folder));
}
