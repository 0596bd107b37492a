/** Mixed commands of several authors at once over HTTP, with a ledger of what was acknowledged. */
import { setTimeout as sleep } from 'node:timers/promises';
import { newPerson } from '../e2e/people.ts';
import type { Setbacks } from './retrying-api.ts';
import { type Acknowledged, type Shared, Writer } from './writer.ts';

export interface Load {
  readonly writers: readonly Writer[];
  readonly shared: Shared;
  readonly ledger: readonly Acknowledged[];
  readonly setbacks: Readonly<Setbacks>;
  /** Resolves once `commands` more were acknowledged. Throws what stopped a writer. */
  more(commands: number): Promise<void>;
  /** Lets every writer finish its command. Throws what stopped one. */
  stop(): Promise<void>;
}

export interface LoadOptions {
  readonly baseUrl: string;
  /** Each does one command at a time. */
  readonly writers: number;
}

/** Between two commands of a writer, so that the load does not take the processors from what it is there to disturb. */
const PAUSE_MS = 15;

/** Registers the authors and sets them to work. */
export async function startLoad({ baseUrl, writers: count }: LoadOptions): Promise<Load> {
  const shared: Shared = {
    baseUrl,
    ledger: [],
    setbacks: {},
    likes: new Map(),
    comments: [],
    registered: [],
  };
  const writers: Writer[] = [];
  for (let index = 0; index < count; index++) {
    writers.push(new Writer(await newPerson(baseUrl, 'writer'), shared));
  }
  await Promise.all(writers.map((writer) => writer.begin()));

  let isOver = false;
  const { ledger, setbacks } = shared;
  const work = async (writer: Writer): Promise<void> => {
    while (!isOver) {
      await writer.act();
      await sleep(PAUSE_MS);
    }
  };
  const working = Promise.all(writers.map(work));
  working.catch(() => {
    isOver = true;
  });

  return {
    writers,
    shared,
    ledger,
    setbacks,
    async more(wanted) {
      const enough = ledger.length + wanted;
      while (ledger.length < enough && !isOver) await sleep(10);
      if (isOver) await working;
    },
    async stop() {
      isOver = true;
      await working;
    },
  };
}
