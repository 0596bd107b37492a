import { afterAll, expect, it } from 'vitest';
import { sharedStack } from '../shared-stack.ts';
import { type Contested, contested, type Step, steps } from './contested-names.ts';
import { counts } from './counts.ts';
import { type Decision, decided, keyed, outcomeOf, sendOnce } from './decided.ts';
import { expectOneOwnerEach } from './owned-names.ts';
import { crashesByPoint, report } from './report.ts';
import { shuffled } from './shuffled.ts';

const NUMBER = 18;
const STEPS = counts(7, 110);

const stack = sharedStack();
/** Of those who stood still rather than died. */
const paused = new Set<string>();
const ends = { 'kept by the act that crashed': 0, 'got by a rival': 0, 'free, and then taken': 0 };

afterAll(() => stack.stop());

/** Every step again and again, in random order, but all ways to fail before any of them a second time. */
function* allSteps(): Generator<Step> {
  const ways = Map.groupBy(steps, ({ service, point, action }) => `${service} ${point} ${typeof action}`);
  for (let round = 0; ; round++) {
    if (round % steps.length === 0) for (const [way, ofWay] of ways) ways.set(way, shuffled(ofWay));
    for (const ofWay of shuffled([...ways.values()])) yield ofWay[round % ofWay.length] as Step;
  }
}

/** A process fails at this step, and others want the name at the other replica at once. */
async function fail(step: Step): Promise<void> {
  const { act, service, point, action } = step;
  const one = await contested(stack, act);
  const replicas = shuffled([1, 2] as const);
  const [own = '', others = ''] = replicas.map((replica) => stack.mainUrl('command-api', replica));
  const command = keyed(one.command);
  const place =
    service === 'worker'
      ? { match: 'release_keys' }
      : { match: new RegExp(`^${command.route.name}$`), replica: replicas[0] ?? 1 };
  const armed = stack.faults.arm({ service, point, action, ...place });
  if (action !== 'kill') paused.add(armed.id);
  const sent = sendOnce(own, command);
  await armed.fired(120_000);
  // In every other case the client comes back; in the others nobody ever does.
  const isRepeated = Math.random() < 0.5;
  const [answer, repeated, ...rivals] = await Promise.all([
    sent,
    isRepeated ? decided(stack.url, command) : null,
    decided(others, one.rival()),
    decided(others, one.rival()),
  ]);
  const acted = repeated?.outcome ?? (answer && outcomeOf(command, answer));
  await expectSettled(step, one, { rivals, acted });
}

/** At most one has the name, whoever has not is told so, and where nobody has it whoever asks next gets it. */
async function expectSettled(
  step: Step,
  { refusal, holders, rival }: Contested,
  { rivals, acted }: { rivals: readonly Decision[]; acted: string | null },
): Promise<void> {
  const where = JSON.stringify(step);
  const outcomes = rivals.map(({ outcome }) => outcome);
  for (const outcome of outcomes) expect(['done', refusal], where).toContain(outcome);
  const won = outcomes.filter((outcome) => outcome === 'done').length;
  expect(won, `${where}: rivals that got the name`).toBeLessThanOrEqual(1);
  const before = await holders();
  expect(before, `${where}: holders`).toBeLessThanOrEqual(1);
  if (won === 1) expect(before, `${where}: the rival has it`).toBe(1);
  if (won === 1 && step.act !== 'delete') expect(acted, `${where}: the act, beside a rival`).not.toBe('done');
  const next = await decided(stack.url, rival());
  expect(next.outcome, `${where}: asked for with ${before} holders`).toBe(before === 1 ? refusal : 'done');
  expect(await holders(), `${where}: holders in the end`).toBe(1);
  if (won === 1) ends['got by a rival'] += 1;
  else ends[before === 1 ? 'kept by the act that crashed' : 'free, and then taken'] += 1;
}

it('a lapsed reservation never gives one name two holders and never blocks it for ever', async () => {
  for (const step of allSteps().take(STEPS)) {
    await stack.ready('command-api', 'command-api-2', 'worker', 'worker-2');
    await fail(step);
  }
  await expectOneOwnerEach(stack);
  expect(stack.faults.fired()).toHaveLength(STEPS);
  const crashes = stack.faults.fired().filter(({ id }) => !paused.has(id));
  report(NUMBER, { ...ends, ...crashesByPoint(crashes), 'pauses past the lease': paused.size });
});
