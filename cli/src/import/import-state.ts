/** What earlier imports did, on this machine: saves asking for every file, and keeps edits made in Annals. */
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';

const entry = z.object({ externalId: z.string(), author: z.string(), id: z.string(), hash: z.string() });
/** A file, as it was when it was last imported as this article. */
export type StateEntry = z.infer<typeof entry>;

export interface ImportState {
  /** The last import of `externalId` for this author, if any. */
  find(externalId: string, author: string): StateEntry | undefined;
  /** Remembers imports, for this run and later ones. */
  add(entries: readonly StateEntry[]): Promise<void>;
  close(): Promise<void>;
}

/** Opens the state in `file`, creating it where it is missing. Lines that a crash cut off count as not written. */
export async function openImportState(file: string): Promise<ImportState> {
  const known = new Map<string, StateEntry>();
  const remember = (one: StateEntry) => known.set(keyOf(one.externalId, one.author), one);
  const text = await readFile(file, 'utf8').catch(() => '');
  for (const line of text.split('\n')) {
    const parsed = parseLine(line);
    if (parsed) remember(parsed);
  }
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, 'a', 0o600);
  if (text !== '' && !text.endsWith('\n')) await handle.write('\n');
  return {
    find: (externalId, author) => known.get(keyOf(externalId, author)),
    add: async (entries) => {
      for (const one of entries) remember(one);
      await handle.write(entries.map((one) => `${JSON.stringify(one)}\n`).join(''));
    },
    close: () => handle.close(),
  };
}

/** For APIs on other machines: nothing is remembered. */
export const noState: ImportState = {
  find: () => undefined,
  add: async () => undefined,
  close: async () => undefined,
};

function keyOf(externalId: string, author: string): string {
  return JSON.stringify([externalId, author]);
}

function parseLine(line: string): StateEntry | undefined {
  try {
    return entry.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
