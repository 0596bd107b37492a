/** Puts an export together and brings it to command-api, where its owner fetches it. */
import { discover, ofKind } from '@annals/contracts/kit/discover';
import { defineTask } from '../jobs/task.ts';
import { EXPORT_TASK, exportPayload } from './export-job.ts';
import type { ExportSection } from './section.ts';

/** Characters of a part: as UTF-8 within JSON it stays below what command-api takes. */
const PART_LENGTH = 100_000;

const sections = (
  await discover(
    new URL('../', import.meta.url),
    '.export.ts',
    ofKind<'export-section', ExportSection>('export-section'),
  )
).sort((a, b) => (a.name < b.name ? -1 : 1));

export const exportTask = defineTask({
  name: EXPORT_TASK,
  payload: exportPayload,
  async run({ exportId, userId }, services) {
    const data: Record<string, unknown> = {};
    for (const { name, collect } of sections) data[name] = await collect(userId, services);
    const parts = partsOf(JSON.stringify(data));
    for (const [part, text] of parts.entries()) {
      const isLast = part === parts.length - 1;
      await services.commands.post(
        `/internal/exports/${exportId}/parts`,
        { userId, part, text, isLast },
        `export:${exportId}:${part}`,
      );
    }
  },
});

/** Cuts between characters: half of one would not survive the way. */
export function partsOf(text: string, length = PART_LENGTH): string[] {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    let end = Math.min(at + length, text.length);
    if (/[\ud800-\udbff]/.test(text.charAt(end - 1)) && end < text.length) end++;
    parts.push(text.slice(at, end));
    at = end;
  }
  return parts;
}
