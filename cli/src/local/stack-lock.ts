/**
 * One supervisor per data folder, and what it runs: so that a second start is refused, a start after a crash finds
 * what was left behind, and the other commands find the stack.
 */
import { access, constants, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { endProcess, identify, isRunning } from './processes.ts';

const identity = z.object({ pid: z.int().positive(), startedAt: z.string() });

const runState = z.object({
  supervisor: identity,
  /** The gateway's base URL. */
  url: z.string(),
  databaseUrl: z.string(),
  /** Where the event log is, if not in the database. */
  eventstoreUrl: z.string().optional(),
  services: z.array(z.object({ service: z.string(), name: z.string(), opsUrl: z.string() })),
  /** Running processes by name. */
  children: z.record(z.string(), identity),
});
/** What a supervisor runs. Holds the database's password: readable by the owner alone. */
export type RunState = z.infer<typeof runState>;

/** Another supervisor runs on the same data. */
class AlreadyRunning extends Error {
  override readonly name = 'AlreadyRunning';
  readonly url: string | null;

  constructor(dataFolder: string, pid: number, url: string | null) {
    super(
      `Annals is already running on ${dataFolder} (process ${pid}${url ? `, ${url}` : ''}). Stop it first, or choose another folder with --data.`,
    );
    this.url = url;
  }
}

/** The data folder cannot be used by this user. */
class FolderUnusable extends Error {
  override readonly name = 'FolderUnusable';

  constructor(dataFolder: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      `${dataFolder} cannot be used as data folder (${reason}). Start as the user who created it, or choose another with --data.`,
      { cause },
    );
  }
}

export interface StackLock {
  /** Records what runs, for {@link readRunState}. */
  record(state: Omit<RunState, 'supervisor'>): Promise<void>;
  /** Frees the folder for the next start. */
  release(): Promise<void>;
}

const lockFile = (dataFolder: string) => join(dataFolder, 'lock');
/** Where a supervisor notes down what runs, a {@link RunState}; it is replaced as a whole. */
export const stateFile = (dataFolder: string): string => join(dataFolder, 'run.json');

/**
 * Creates the data folder and, within it, what nobody else may look into. Under root an ordinary user has to pass
 * through to the database's folder.
 */
export async function makeDataFolder(dataFolder: string): Promise<void> {
  try {
    await mkdir(dataFolder, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
    await access(dataFolder, constants.R_OK | constants.W_OK | constants.X_OK);
    for (const name of ['logs', 'mails', 'imports']) {
      await mkdir(join(dataFolder, name), { recursive: true, mode: 0o700 });
    }
  } catch (cause) {
    throw new FolderUnusable(dataFolder, cause);
  }
}

/**
 * Takes the folder. A lock whose holder is gone is taken over, and what that one left running is ended. Throws
 * {@link AlreadyRunning}.
 */
export async function lockStack(dataFolder: string): Promise<StackLock> {
  const self = identify(process.pid);
  if (self === null) throw new Error('cannot tell when this process started');
  await acquire(dataFolder, self);
  const leftBehind = await readState(dataFolder);
  await Promise.all(
    Object.values(leftBehind?.children ?? {}).map((child) =>
      endProcess(child, ['SIGTERM', 'SIGKILL'], LEFT_BEHIND_GRACE_MS),
    ),
  );
  let writing = Promise.resolve();
  return {
    record: (state) => {
      const content = JSON.stringify({ supervisor: self, ...state }, null, 2);
      writing = writing.then(() => replaceFile(stateFile(dataFolder), content));
      return writing;
    },
    release: async () => {
      await writing;
      await rm(stateFile(dataFolder), { force: true });
      await rm(lockFile(dataFolder), { force: true });
    },
  };
}

const LEFT_BEHIND_GRACE_MS = 10_000;

/** What runs on the folder; null where no supervisor does. */
export async function readRunState(dataFolder: string): Promise<RunState | null> {
  const state = await readState(dataFolder);
  return state && isRunning(state.supervisor) ? state : null;
}

async function acquire(dataFolder: string, self: z.infer<typeof identity>): Promise<void> {
  for (;;) {
    if (await createFile(lockFile(dataFolder), JSON.stringify(self))) return;
    const holder = await readLock(dataFolder);
    if (holder && isRunning(holder)) {
      throw new AlreadyRunning(dataFolder, holder.pid, (await readRunState(dataFolder))?.url ?? null);
    }
    // Renamed rather than removed: of two that find it stale, one succeeds.
    const stale = `${lockFile(dataFolder)}.${self.pid}`;
    await rename(lockFile(dataFolder), stale).catch(() => undefined);
    await rm(stale, { force: true });
  }
}

/** False where the file is there already. */
async function createFile(file: string, content: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx', 0o600);
    await handle.writeFile(content);
    await handle.close();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Null for a lock that was never written to its end: its holder crashed. */
async function readLock(dataFolder: string): Promise<z.infer<typeof identity> | null> {
  return parse(identity, await readFile(lockFile(dataFolder), 'utf8').catch(() => ''));
}

async function readState(dataFolder: string): Promise<RunState | null> {
  return parse(runState, await readFile(stateFile(dataFolder), 'utf8').catch(() => ''));
}

function parse<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> | null {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

async function replaceFile(file: string, content: string): Promise<void> {
  await writeFile(`${file}.new`, content, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
