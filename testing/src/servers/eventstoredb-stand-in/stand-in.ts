/** Starts and controls the stand-in for EventStoreDB. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from '@annals/cli/local/free-port';
import { temporaryFolder } from '../temporary-folder.ts';
import type { Counts, Fault } from './faults.ts';
import type { Appended, SentEvent } from './log.ts';
import type { Order } from './main.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

/** An event past the protocol. */
export type RawEvent = Omit<SentEvent, 'data' | 'metadata'> & {
  readonly data: string;
  readonly metadata: string;
};

export interface EventStoreDbStandIn {
  /** `esdb://…`, insecure; stays the same over restarts. */
  readonly url: string;
  readonly port: number;
  /** Makes something go wrong. */
  fault(fault: Fault): Promise<void>;
  /** Forgets faults and counts, and lets go what is held. */
  clear(): Promise<void>;
  /** Answers what is held. */
  release(): Promise<void>;
  counts(): Promise<Counts>;
  inject(stream: string, events: readonly RawEvent[]): Promise<Appended>;
  /** kill -9; `start` brings it back on its data. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** kill -9 and start. */
  restart(): Promise<void>;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

/** Starts a stand-in as a process of its own, on a free port and with an empty log. */
export async function startEventStoreDbStandIn(): Promise<EventStoreDbStandIn> {
  const folder = await temporaryFolder('annals-eventstoredb-stand-in-');
  const [port = 0] = await freePorts(1);
  let child = await boot(folder, port);
  const ask = async <Answer>(order: Order): Promise<Answer> => {
    const answer = nextAnswer(child);
    child.send(order);
    return (await answer) as Answer;
  };
  let queue: Promise<unknown> = Promise.resolve();
  /** One order at a time, so that answers belong to who asked. */
  const inTurn = <Answer>(order: Order): Promise<Answer> => {
    const mine = queue.then(() => ask<Answer>(order));
    queue = mine.catch(() => {});
    return mine;
  };
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  const start = async (): Promise<void> => {
    child = await boot(folder, port);
  };
  return {
    url: `esdb://127.0.0.1:${port}?tls=false`,
    port,
    fault: (fault) => inTurn({ kind: 'fault', fault }),
    clear: () => inTurn({ kind: 'clear' }),
    release: () => inTurn({ kind: 'release' }),
    counts: () => inTurn({ kind: 'counts' }),
    inject: (stream, events) => inTurn({ kind: 'inject', stream, events }),
    kill,
    start,
    restart: async () => {
      await kill();
      await start();
    },
    remove: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function boot(folder: string, port: number): Promise<ChildProcess> {
  const child = fork(MAIN, ['--data', folder, '--port', String(port)], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let said = '';
  child.stderr?.on('data', (text) => {
    said = (said + text).slice(-4_000);
  });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`the stand-in for EventStoreDB ended: ${said}`);
  });
  ended.catch(() => {});
  await Promise.race([nextAnswer(child), ended]);
  return child;
}

async function nextAnswer(child: ChildProcess): Promise<unknown> {
  const [{ answer }] = (await once(child, 'message')) as [{ answer: unknown }];
  return answer;
}
