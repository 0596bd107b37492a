import type { StoredEvent } from '@annals/platform/event-store/port';
import { afterAll, expect, it } from 'vitest';
import type { Answer } from '../e2e/client.ts';
import type { Point } from '../faults/plan.ts';
import { sharedStack } from '../shared-stack.ts';
import { type Case, cases, claiming } from './command-cases.ts';
import { counts } from './counts.ts';
import { decided, keyed, outcomeOf, sendOnce } from './decided.ts';
import { effectsByCommand } from './effects.ts';
import { readLog } from './log-reader.ts';
import { crashesByPoint, report } from './report.ts';
import { shuffled } from './shuffled.ts';

const NUMBER = 5;
const ROUNDS = counts(1, 10);
const AT_ONCE = 6;
/** Crashes at each point, each of a command of another kind. */
const CRASHES = counts(1, 10);
const POINTS: readonly Point[] = ['begun', 'reserved', 'appended'];
const REPLICAS = [1, 2] as const;

const stack = sharedStack();
const urls = [...REPLICAS.map((replica) => stack.mainUrl('command-api', replica)), stack.url];
/** What came before is other files'. */
const begin = (await readLog(stack)).at(-1)?.position ?? 'start';

afterAll(() => stack.stop());

/** What a client is told, as far as it is the command's own. */
const told = ({ status, headers, body }: Answer) => ({
  status,
  body: status < 400 ? body : { ...body, traceId: undefined },
  position: headers.get('annals-position'),
  etag: headers.get('etag'),
  location: headers.get('location'),
});

const isReplay = ({ headers }: Answer) => headers.get('idempotency-replayed') === 'true';

/** Every replica repeats `first`, which ended as it should, and says that it does. */
async function expectRepeated({ name, command, outcome }: Case, first: Answer): Promise<void> {
  expect(outcomeOf(command, first), name).toBe(outcome);
  for (const url of urls) {
    const again = await decided(url, command);
    expect(told(again), name).toEqual(told(first));
    expect(isReplay(again), `${name} was replayed`).toBe(true);
  }
}

/** One answer may be the first, everything else is that answer again or says that the first still runs. */
async function sendAtOnce(one: Case): Promise<void> {
  const sent = Array.from({ length: AT_ONCE }, (_, at) =>
    sendOnce(urls[at % urls.length] ?? '', one.command),
  );
  const answers = (await Promise.all(sent)).filter((answer) => answer !== null);
  expect(answers, one.name).toHaveLength(AT_ONCE);
  const answered = answers.filter(({ body }) => body?.code !== 'idempotency-in-flight');
  const [first, ...others] = answered;
  if (!first) throw new Error(`${one.name}: everybody was told that somebody else is first`);
  for (const other of others) expect(told(other), one.name).toEqual(told(first));
  expect(
    answered.filter((answer) => !isReplay(answer)),
    one.name,
  ).toHaveLength(1);
  await expectRepeated(one, first);
}

/** No command has left its mark twice, and each that was done has left it. */
async function expectOneEffect(done: readonly Case[]): Promise<void> {
  const { twice, streams } = await effectsByCommand(stack, begin);
  expect(twice, 'commands with more than one effect').toEqual([]);
  for (const { name, outcome, stream, events } of done) {
    if (outcome === 'done' && stream) expect(streams.get(stream), `${name}: ${stream}`).toBe(events);
  }
}

it('a retried command answers as the first time: N at once have one effect', async () => {
  const done: Case[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const all = (await cases(stack)).map((one) => ({ ...one, command: keyed(one.command) }));
    await Promise.all(all.map(sendAtOnce));
    done.push(...all);
  }
  await expectOneEffect(done);
  report(NUMBER, { 'commands repeated': done.length, 'at once': AT_ONCE });
});

/** The commands are sent to one replica, which dies of one of them; then repeated wherever, until they are decided. */
async function crashDuring(point: Point, replica: (typeof REPLICAS)[number]): Promise<Case[]> {
  const all = (await cases(stack)).map((one) => ({ ...one, command: keyed(one.command) }));
  const [victim] = shuffled(all.filter((one) => canCrash(one, point)));
  const url = stack.mainUrl('command-api', replica);
  const match = new RegExp(`^${victim?.command.route.name}$`);
  const armed = stack.faults.arm({ service: 'command-api', replica, point, match, action: 'kill' });
  const firsts = await Promise.all(all.map(({ command }) => sendOnce(url, command)));
  await armed.fired();
  const mayBeAnother = all.filter(({ command }) => command.route === victim?.command.route).length > 1;
  const effect = point === 'appended' && victim ? await moveOn(victim, mayBeAnother) : null;
  const repeated = all.map(async (one, at) => {
    const known = firsts[at];
    const retried = await decided(urls[Math.floor(Math.random() * urls.length)] ?? url, one.command);
    if (known && known.status < 500 && known.body?.code !== 'concurrent-changes') {
      expect(told(retried), one.name).toEqual(told(known));
    }
    if (one === victim && effect) expect(told(retried).position, one.name).toBe(effect.position);
    await expectRepeated(one, retried);
  });
  await Promise.all(repeated);
  await stack.ready('command-api', 'command-api-2');
  return all.map((one) => (one === victim && effect ? { ...one, events: (one.events ?? 0) + 1 } : one));
}

function canCrash({ name, meddle }: Case, point: Point): boolean {
  if (point === 'reserved') return claiming.has(name);
  return point === 'begun' || meddle !== undefined;
}

/**
 * Somebody undoes, before it is repeated, what nobody was told to be done; gives the event that was done. Null where
 * the process died of another command of the same route, before this one was appended.
 */
async function moveOn(
  { name, stream, events = 0, meddle }: Case,
  mayBeAnother: boolean,
): Promise<StoredEvent | null> {
  const log = await readLog(stack);
  const effect = log.find((event) => event.stream === stream && event.revision === events - 1);
  if (!effect && mayBeAnother) return null;
  if (!effect || !meddle) throw new Error(`${name} has not been done`);
  expect((await decided(stack.url, meddle)).outcome).toBe('done');
  return effect;
}

it('a retried command answers as the first time, also after a crash between append and answer', async () => {
  const done: Case[] = [];
  for (let crash = 0; crash < CRASHES; crash++) {
    for (const point of POINTS) {
      const replica = REPLICAS[Math.floor(Math.random() * REPLICAS.length)] ?? 1;
      done.push(...(await crashDuring(point, replica)));
    }
  }
  await expectOneEffect(done);
  expect(stack.faults.fired()).toHaveLength(CRASHES * POINTS.length);
  report(NUMBER, { 'commands in crashes': done.length, ...crashesByPoint(stack.faults.fired()) });
});
