/** Appending to the log: through the port, as raw statements, as single inserts, with emmett. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { EventStore } from '@annals/platform/event-store/port';
import { createPostgresEventStore } from '@annals/platform/event-store/postgres/store';
import { type BenchContext, defineBench, type Row, ratioRow } from '../kit/bench.ts';
import { interleaved, perSecond } from '../kit/rounds.ts';
import { appendFor } from './append-load.ts';
import { openEmmett } from './emmett.ts';
import { openRaw, portRate, throughPort } from './ours.ts';
import { openSingles } from './singles.ts';

/** In flight where the rivals are compared. */
const RIVALS = 64;

export const append = defineBench({
  name: 'append',
  about: 'appends through the port against the raw statements, single inserts and emmett-postgresql',
  async run(context) {
    const server = await context.postgres();
    const url = await server.database();
    const store = await createPostgresEventStore({ url, application: 'bench' });
    context.onEnd(() => store.close());
    return [...(await againstRaw(context, store, url)), ...(await againstRivals(context, store, url))];
  },
});

async function againstRaw(context: BenchContext, store: EventStore, url: string): Promise<Row[]> {
  const raw = await openRaw(url);
  context.onEnd(() => raw.close());
  const sizes = [64, 256];
  const variants = sizes.flatMap((size) => [
    { name: `port ${size}`, run: (ms: number) => portRate(store, size, ms) },
    { name: `raw ${size}`, run: (ms: number) => raw.rate(size, ms) },
  ]);
  const figures = await interleaved(variants, {
    rounds: context.pick(1, 7),
    warmUpMs: context.pick(100, 1_000),
    runMs: context.pick(200, 1_500),
    say: context.say,
  });
  return sizes.map((size) => {
    const [ours, theirs] = [figures.of(`port ${size}`), figures.of(`raw ${size}`)];
    const row = {
      what: `append of 300 B, ${size} in flight, revision checked`,
      against: 'the same statements, raw',
      measured: `${perSecond(ours)} vs ${perSecond(theirs)}`,
    };
    return ratioRow(row, figures.ratio(`port ${size}`, `raw ${size}`).median, 0.85);
  });
}

/** Rivals have databases of their own; ours and emmett's log are followed while they are appended to. */
async function againstRivals(context: BenchContext, store: EventStore, url: string): Promise<Row[]> {
  const server = await context.postgres();
  const singles = await openSingles(url, RIVALS);
  context.onEnd(() => singles.close());
  const ours = await followedOurs(store);
  const emmett = await followedEmmett(context, await server.database());
  const figures = await interleaved(
    [
      { name: 'ours', run: (ms) => portRate(store, RIVALS, ms) },
      { name: 'singles', run: (ms) => singles.rate(ms) },
      { name: 'ours, followed', run: ours.run },
      { name: 'emmett, followed', run: emmett.run },
    ],
    {
      rounds: context.pick(1, 5),
      warmUpMs: context.pick(100, 1_000),
      runMs: context.pick(300, 2_000),
      say: context.say,
    },
  );
  const [skipped, emmettSkipped] = [await ours.skipped(), await emmett.skipped()];
  return [
    ratioRow(
      {
        what: `append of 300 B, ${RIVALS} in flight`,
        against: `single durable inserts, ${RIVALS} connections`,
        measured: `${perSecond(figures.of('ours'))} vs ${perSecond(figures.of('singles'))}`,
      },
      figures.ratio('ours', 'singles').median,
      1.5,
    ),
    ratioRow(
      {
        what: `append of 300 B, ${RIVALS} in flight, a reader following`,
        against: 'emmett-postgresql, with expected version',
        measured: `${perSecond(figures.of('ours, followed'))} vs ${perSecond(figures.of('emmett, followed'))}`,
      },
      figures.ratio('ours, followed', 'emmett, followed').median,
      15,
    ),
    {
      what: 'events that the reader skipped',
      against: "emmett's consumer",
      measured: `${skipped.skipped} of ${skipped.appended} vs ${emmettSkipped.skipped} of ${emmettSkipped.appended}`,
      ratio: null,
      goal: '0',
      isMet: skipped.skipped === 0,
    },
  ];
}

interface Followed {
  run(ms: number): Promise<number>;
  skipped(): Promise<{ skipped: number; appended: number }>;
}

/** Each run starts a reader at the head, and ends it once it has seen everything or nothing more comes. */
async function followedOurs(store: EventStore): Promise<Followed> {
  const total = { appended: 0, seen: 0 };
  return {
    async run(ms) {
      const stop = new AbortController();
      const batches = store.subscribe({ from: 'end', signal: stop.signal })[Symbol.asyncIterator]();
      await batches.next();
      const reading = (async () => {
        for (let batch = await batches.next(); !batch.done; batch = await batches.next()) {
          total.seen += batch.value.events.length;
        }
      })();
      const { appended, seconds } = await appendFor(ms, RIVALS, throughPort(store));
      total.appended += appended;
      await settled(() => total.seen, total.appended);
      stop.abort();
      await reading;
      return appended / seconds;
    },
    skipped: async () => ({ skipped: total.appended - total.seen, appended: total.appended }),
  };
}

async function followedEmmett(context: BenchContext, url: string): Promise<Followed> {
  const emmett = await openEmmett(url);
  context.onEnd(() => emmett.close());
  const reader = emmett.follow();
  context.onEnd(() => reader.stop());
  let total = 0;
  return {
    async run(ms) {
      const { appended, seconds } = await appendFor(ms, RIVALS, emmett.append);
      total += appended;
      return appended / seconds;
    },
    skipped: async () => {
      await settled(reader.seen, total);
      return { skipped: total - reader.seen(), appended: total };
    },
  };
}

/** A reader that has seen nothing for this long has seen all that it will. */
const SILENCE_MS = 3_000;

/** Waits until `seen` has reached `expected`, or has not moved for a while. */
async function settled(seen: () => number, expected: number): Promise<void> {
  let [last, since] = [seen(), performance.now()];
  while (seen() < expected && performance.now() - since < SILENCE_MS) {
    await sleep(20);
    if (seen() !== last) [last, since] = [seen(), performance.now()];
  }
}
