import { type LocalService, replicaName } from '@annals/cli/local/layout';
import { afterAll, it } from 'vitest';
import type { Point } from '../faults/plan.ts';
import { sharedStack } from '../shared-stack.ts';
import { expectInLog, expectVisible } from './acknowledged.ts';
import { counts } from './counts.ts';
import { type Load, startLoad } from './load.ts';
import { startReaders } from './readers.ts';
import { expectViewsAsRebuilt } from './rebuild.ts';
import { crashesByPoint, report } from './report.ts';
import { expectKinds } from './retrying-api.ts';
import { shuffled } from './shuffled.ts';

const NUMBER = 1;
const ROUNDS = counts(1, 6);
/** Commands that are acknowledged between two crashes. */
const BETWEEN = 10;

/** Where processes kill themselves, in the middle of their work. */
const points: readonly (readonly [LocalService, readonly Point[]])[] = [
  ['command-api', ['begun', 'reserved', 'appended']],
  ['projector', ['read', 'written', 'committed']],
  ['worker', ['read', 'performed', 'written']],
];
/** Who is killed from outside while commands, queries and pushes are under way. */
const processes = ['query-api', 'notifier', 'gateway', 'postgres'];

const stack = sharedStack();

afterAll(() => stack.stop());

/** One crash after the other of one service, while others crash as well. */
async function crashAtEach(load: Load, service: LocalService, all: readonly Point[]): Promise<void> {
  for (const point of shuffled(all)) {
    await load.more(BETWEEN);
    const pids = stack.pids();
    const { replica } = await stack.faults.arm({ service, point, action: 'kill' }).fired(120_000);
    const name = replicaName(service, replica);
    await stack.restarted(name, pids[name] ?? 0);
  }
}

async function crash(load: Load, name: string): Promise<void> {
  await load.more(Math.ceil(Math.random() * 5 * BETWEEN));
  await stack.kill(name);
}

it('an acknowledged command survives kill -9 of any process', async () => {
  const load = await startLoad({ baseUrl: stack.url, writers: 6 });
  const readers = startReaders(load, 2);
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all([
      ...points.map(([service, all]) => crashAtEach(load, service, all)),
      ...processes.map((name) => crash(load, name)),
    ]);
    await stack.ready();
  }
  await load.more(BETWEEN);
  await Promise.all([load.stop(), readers.stop()]);

  await expectInLog(stack, load);
  await expectViewsAsRebuilt(stack);
  await expectVisible(load);
  expectKinds(load.setbacks, ['no answer', 'status 503', 'in flight']);
  expectKinds(readers.setbacks, ['no answer', 'status 503']);
  report(NUMBER, {
    acknowledged: load.ledger.length,
    ...crashesByPoint(stack.faults.fired()),
    ...Object.fromEntries(processes.map((name) => [`crashes of ${name}`, ROUNDS])),
  });
});
