/** A Node process that is kept running: restarted with backoff when it dies, ended when its supervisor does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT_CONFIG } from '@annals/platform/lifecycle/run-service';
import { backoff } from '@annals/platform/postgres/backoff';
import { messageOf } from './log-sink.ts';
import { endProcess, identify, type ProcessIdentity } from './processes.ts';

export interface ChildOptions {
  readonly name: string;
  /** The script that it runs, on this process' Node. */
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  /** Upper bound of the wait before it is started again. */
  readonly longestBackoffMs?: number | undefined;
  /** Receives every line of its output; the output is not read on until the promise resolves. */
  readonly onLine: (line: string) => Promise<void> | void;
  /** Called whenever it was started or has ended, with a word about unexpected ends. */
  readonly onChange: (note: string | null) => void;
}

export interface SupervisedChild {
  readonly name: string;
  /** Null while it is down. */
  identity(): ProcessIdentity | null;
  /**
   * Resolves (with the reason) once restarting is pointless: its configuration is refused, or it fell over
   * {@link MAX_EARLY_ENDS} times without {@link settle} ever being called.
   */
  readonly failed: Promise<string>;
  /** From now on it is restarted without end: it has been up. */
  settle(): void;
  /** SIGTERM, and SIGKILL after 30 s; resolves when it is gone. Idempotent. */
  stop(): Promise<void>;
}

/** Ends before the first readiness after which the start counts as failed. */
const MAX_EARLY_ENDS = 5;
const STOP_GRACE_MS = 30_000;
/** A process that ran this long starts a new count of attempts. */
const STABLE_MS = 30_000;
const LAST_LINES = 5;

/** Starts the process and keeps it running until `stop`. */
export function superviseChild(options: ChildOptions): SupervisedChild {
  const { longestBackoffMs = Number.POSITIVE_INFINITY } = options;
  const aborter = new AbortController();
  const { promise: failed, resolve: fail } = Promise.withResolvers<string>();
  let current: ProcessIdentity | null = null;
  let isSettled = false;

  async function keepRunning(): Promise<void> {
    for (let attempt = 0, ends = 1; !aborter.signal.aborted; attempt++, ends++) {
      const startedAt = Date.now();
      const lastLines: string[] = [];
      const child = launch(options, lastLines);
      current = identify(child.pid ?? 0);
      options.onChange(null);
      const outcome = await ending(child);
      current = null;
      if (aborter.signal.aborted) return;
      options.onChange(`ended unexpectedly (${outcome}); it will be restarted`);
      if (outcome === `exit code ${EXIT_CONFIG}` || (!isSettled && ends >= MAX_EARLY_ENDS)) {
        fail(`${options.name} does not run (${outcome}):\n${lastLines.map(messageOf).join('\n')}`);
        return;
      }
      if (Date.now() - startedAt > STABLE_MS) attempt = 0;
      const pause = Math.min(backoff(attempt), longestBackoffMs);
      await sleep(pause, undefined, { signal: aborter.signal }).catch(() => undefined);
    }
  }

  const over = keepRunning();
  return {
    name: options.name,
    identity: () => current,
    failed,
    settle: () => {
      isSettled = true;
    },
    stop: async () => {
      aborter.abort();
      if (current) await endProcess(current, ['SIGTERM', 'SIGKILL'], STOP_GRACE_MS);
      await over;
    },
  };
}

/** A process group of its own keeps the terminal's Ctrl-C away; the IPC channel tells it when its supervisor is gone. */
function launch({ file, env, onLine }: ChildOptions, lastLines: string[]): ChildProcess {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file], {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  for (const input of [child.stdout, child.stderr]) {
    if (input) void forward(createInterface({ input }), lastLines, onLine);
  }
  return child;
}

async function forward(
  lines: AsyncIterable<string>,
  lastLines: string[],
  onLine: ChildOptions['onLine'],
): Promise<void> {
  for await (const line of lines) {
    if (lastLines.push(line) > LAST_LINES) lastLines.shift();
    await onLine(line);
  }
}

/** Waits for the end of process and output. */
function ending(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}
