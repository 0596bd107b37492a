/** Where the output of a stack's processes goes: a file each, and readable lines for people. */

import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

export interface LogSink {
  /** Takes a line of a process; resolves when more may come. */
  write(source: string, line: string): Promise<void>;
  close(): Promise<void>;
}

export interface LogSinkOptions {
  /** Files `<source>.log` go here, with one predecessor each, 20 MB at most. */
  readonly folder: string;
  /** Receives lines for people: all, or only those that ask for attention. */
  readonly show: (line: string) => void;
  readonly showAll: boolean;
}

const MAX_FILE_BYTES = 20_000_000;

/** Creates the sink and its folder. */
export async function createLogSink(options: LogSinkOptions): Promise<LogSink> {
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const files = new Map<string, Promise<RollingFile>>();
  return {
    async write(source, line) {
      const entry = parseLine(line);
      if (options.showAll || isAlarming(entry, line)) options.show(pretty(source, entry, line));
      const file = files.get(source) ?? openRolling(join(options.folder, `${source}.log`));
      files.set(source, file);
      await (await file).write(`${line}\n`);
    },
    async close() {
      for (const file of files.values()) await (await file).close();
    },
  };
}

const logLine = z.looseObject({
  level: z.string(),
  time: z.string(),
  message: z.string().default(''),
  service: z.string().optional(),
  err: z.looseObject({ message: z.string().optional(), stack: z.string().optional() }).optional(),
});
type LogLine = z.infer<typeof logLine>;

/** Null for what is not one of our JSON lines. */
function parseLine(line: string): LogLine | null {
  if (!line.startsWith('{')) return null;
  try {
    return logLine.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}

/** What is no log line is a crash or a stray message; PostgreSQL tells of every refused statement. */
function isAlarming(entry: LogLine | null, line: string): boolean {
  if (entry === null) return !POSTGRES_LINE.test(line) || line.startsWith('PANIC');
  return entry.level === 'error' || entry.level === 'fatal';
}

const POSTGRES_LINE = /^([A-Z]+\d?: {2}|\t)/;

/** A line of a process without what only machines read: its message and, where there is one, the error's. */
export function messageOf(line: string): string {
  const entry = parseLine(line);
  if (entry === null) return line;
  return entry.err?.message ? `${entry.message} (${entry.err.message})` : entry.message;
}

/** One line, e.g. `20:14:19.123 WARN  worker: the mail was refused {"attempt":2}`. */
function pretty(source: string, entry: LogLine | null, line: string): string {
  if (entry === null) return `${source}: ${line}`;
  const { level, time, message: _message, service: _service, err: _err, ...rest } = entry;
  const details = Object.keys(rest).length > 0 ? ` ${JSON.stringify(rest)}` : '';
  return `${time.slice(11, 23)} ${level.toUpperCase().padEnd(5)} ${source}: ${messageOf(line)}${details}`;
}

interface RollingFile {
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

async function openRolling(path: string): Promise<RollingFile> {
  let size = (await stat(path).catch(() => null))?.size ?? 0;
  let stream = openStream(path);
  let queue = Promise.resolve();

  async function append(text: string): Promise<void> {
    if (size > MAX_FILE_BYTES) {
      await end(stream);
      await rename(path, `${path}.1`);
      stream = openStream(path);
      size = 0;
    }
    size += Buffer.byteLength(text);
    // A log that cannot be written (another user's file, a full disk) must not hold up what it is about.
    if (stream.errored || stream.write(text)) return;
    await once(stream, 'drain').catch(() => undefined);
  }

  return {
    write: (text) => {
      queue = queue.then(() => append(text));
      return queue;
    },
    close: () => queue.then(() => end(stream)),
  };
}

function openStream(path: string): WriteStream {
  return createWriteStream(path, { flags: 'a', mode: 0o600 }).on('error', () => undefined);
}

async function end(stream: WriteStream): Promise<void> {
  if (stream.destroyed) return;
  stream.end();
  await once(stream, 'close').catch(() => undefined);
}
