/** Writers and readers at work at once, the readers judging every answer. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, type Outcome } from './judge.ts';
import { type Aspect, aspects } from './ledger.ts';
import { type Probe, probes } from './probes.ts';
import type { World } from './world.ts';

/** How many answers of each kind there were. */
export type Tally = Record<Outcome, number>;

const READERS = 6;

/** Lets them work while `phase` lasts. Throws the first answer that is wrong. */
export async function underLoad(world: World, phase: () => Promise<void>): Promise<Tally> {
  const tally: Tally = { fresh: 0, behind: 0, 'not-there-yet': 0 };
  const over = new AbortController();
  const whileLasts = async (turn: () => Promise<void>) => {
    try {
      while (!over.signal.aborted) await turn();
    } finally {
      over.abort();
    }
  };
  const write = (aspect: Aspect) => () =>
    whileLasts(async () => {
      if (world.canStep(aspect)) await world.step(aspect);
      await sleep(20 + Math.random() * 80);
    });
  const read = () =>
    whileLasts(async () => {
      const wish = { isDemanding: Math.random() < 0.75, waitSeconds: Math.floor(Math.random() * 2) };
      const outcome = await ask(world, anyProbe(), wish);
      if (outcome) tally[outcome] += 1;
    });
  const work = [...aspects.map(write), ...Array.from({ length: READERS }, () => read)].map((begin) =>
    begin(),
  );
  const outcomes = await Promise.allSettled([phase().finally(() => over.abort()), ...work]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return tally;
}

/** The routes that have no fresh answer yet, however long they may wait for it. */
export async function staleRoutes(world: World): Promise<string[]> {
  const wish = { isDemanding: true, waitSeconds: 10 };
  const outcomes = await Promise.all(probes.map((probe) => ask(world, probe, wish)));
  return probes.filter((_, index) => outcomes[index] !== 'fresh').map(({ route }) => route.name);
}

function anyProbe(): Probe {
  const probe = probes[Math.floor(Math.random() * probes.length)];
  if (!probe) throw new Error('there are no probes');
  return probe;
}
