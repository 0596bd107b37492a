import { setTimeout as sleep } from 'node:timers/promises';
import type { Route } from '@annals/contracts/kit/route';
import { routes } from '@annals/contracts/routes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FiredFault } from '../faults/plan.ts';
import { sharedStack } from '../shared-stack.ts';
import { counts } from './counts.ts';
import { aspects } from './freshness/ledger.ts';
import { staleRoutes, type Tally, underLoad } from './freshness/load.ts';
import { probes } from './freshness/probes.ts';
import { createWorld, type World } from './freshness/world.ts';
import { crashesByPoint, report } from './report.ts';

const rounds = counts(1, 3);
const phaseMs = counts(1_000, 4_000, 500);
const crashesPerRound = counts(3, 20);
const readers = counts(6, 60);
const viewRoutes = routes.filter(({ method, style }) => method === 'GET' && style === 'query');

const stack = sharedStack();
let world: World;
const total = { fresh: 0, behind: 0 };
const crashes: FiredFault[] = [];

beforeAll(async () => {
  world = await createWorld(stack.url, stack.serviceToken, readers);
  for (const aspect of aspects) await world.step(aspect);
});
afterAll(() => stack.stop());

function count({ fresh, behind }: Tally): Tally['behind'] {
  total.fresh += fresh;
  total.behind += behind;
  return behind;
}

const letThemWork = () => sleep(phaseMs);

/** Views that no answer shows together: while those of one kind lag, an answer that forgets about one is found out. */
const kindsOfViews = [
  /^(profiles|profile_documents)_v/,
  /^(article_list|article_details)_v/,
  /^(article_counters|article_search|article_trends|comments|likes|follows|accounts)_v/,
  /^article_history_v/,
  /^(categories|category_documents)_v/,
];

async function withSlowViews(): Promise<void> {
  for (const match of kindsOfViews) {
    const slow = {
      service: 'projector',
      point: 'read',
      match,
      action: { delayMs: 600 },
      isLasting: true,
    } as const;
    const { disarm } = stack.faults.arm(slow);
    count(await underLoad(world, letThemWork));
    disarm();
  }
}

async function withStoppedProjector(): Promise<void> {
  const names = ['projector', 'projector-2'];
  for (const name of names) stack.signal(name, 'SIGSTOP');
  const behind = count(
    await underLoad(world, letThemWork).finally(() => {
      for (const name of names) stack.signal(name, 'SIGCONT');
    }),
  );
  expect(behind, 'answers that say that they are behind').toBeGreaterThan(0);
}

async function withCrashingProjector(): Promise<void> {
  const points = ['read', 'written', 'committed'] as const;
  const crash = async () => {
    for (let n = 0; n < crashesPerRound; n++) {
      const point = points[n % points.length] ?? 'read';
      const afterHits = Math.floor(Math.random() * 10);
      const fault = { service: 'projector', point, afterHits, action: 'kill' } as const;
      crashes.push(await stack.faults.arm(fault).fired());
    }
  };
  count(await underLoad(world, crash));
}

test('a query with a min position is never stale, and says 503 when it can’t be fresh', async () => {
  for (let round = 0; round < rounds; round++) {
    count(await underLoad(world, letThemWork));
    for (const disturbed of [withSlowViews, withStoppedProjector, withCrashingProjector]) {
      await disturbed();
      await expect.poll(() => staleRoutes(world), { timeout: 60_000 }).toEqual([]);
    }
  }
  report(6, {
    routes: viewRoutes.length,
    'fresh answers': total.fresh,
    '503 projection-behind': total.behind,
    ...crashesByPoint(crashes),
  });
});

test('every GET route that reads views is held to it', () => {
  const probed = new Set(probes.map(({ route }) => route.name));
  expect(probed).toEqual(new Set(viewRoutes.map(({ name }) => name)));
});

test('a position past the head, or of another log, is 400 unknown-position on each of them', async () => {
  const [log = '', number = ''] = (world.ledger.positionOf('name', 1) ?? '').split('.');
  const beyond = `${log}.${number.replace(/^0000/, '000f')}`;
  const foreign = `${log.startsWith('a') ? 'b' : 'a'}${log.slice(1)}.${number}`;
  for (const minPosition of [beyond, foreign]) {
    for (const route of viewRoutes) {
      const { api, options } = questionOf(route);
      const answer = await api.call(route, { ...options, headers: { 'annals-min-position': minPosition } });
      expect([route.name, answer.status, answer.body.code]).toEqual([route.name, 400, 'unknown-position']);
    }
  }
});

function questionOf(route: Route) {
  const question = probes.find((probe) => probe.route === route)?.ask(world);
  if (!question) throw new Error(`nothing to ask ${route.name}`);
  return question;
}
