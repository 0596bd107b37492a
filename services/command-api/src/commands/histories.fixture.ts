/** Random histories of commands: whatever commands and deciders there are, from the schemas of their routes and events. */

import { isDeepStrictEqual } from 'node:util';
import { discover, ofKind } from '@annals/contracts/kit/discover';
import type { AggregateDefinition, DomainEvent } from '@annals/contracts/kit/event';
import { Problem } from '@annals/contracts/problems';
import type { Caller } from '@annals/platform/http/types';
import { deepFreeze } from '@annals/testing/deep-freeze';
import { valid, validObject } from '@annals/testing/fuzz/arbitrary';
import fc from 'fast-check';
import type { z } from 'zod';
import * as reservation from '../reservations/domain/reservation.ts';
import type { AnyCommand } from './command.ts';
import type { DecidedEvent } from './decider.ts';
import { type createHarness, type Replica, userCaller } from './harness.fixture.ts';

const source = new URL('../', import.meta.url);

/** Every command, told to check itself: see {@link checked}. */
export const commands: readonly AnyCommand[] = (
  await discover(source, '.commands.ts', ofKind<'command', AnyCommand>('command'))
).map(checked);

/** Every aggregate's definition. */
export const aggregates = await discover(
  new URL('../../../../contracts/src/', import.meta.url),
  '.events.ts',
  ofKind<'aggregate', AggregateDefinition>('aggregate'),
);

/** What folds: states and events are whatever they are. */
interface Foldable {
  readonly initial: unknown;
  readonly evolve: (state: unknown, event: DecidedEvent) => unknown;
}

/** Every decider by its category: those of the commands, and that of reservations. */
export const deciders: ReadonlyMap<string, Foldable> = new Map<string, Foldable>([
  ...commands.map(({ decider }) => [decider.category, decider as unknown as Foldable] as const),
  ['reservation', reservation as unknown as Foldable],
]);

/** Events of an aggregate as its schemas allow them, in no sensible order. */
export function anyEvents({ events }: AggregateDefinition): fc.Arbitrary<DecidedEvent[]> {
  const any = Object.entries(events).map(([type, { data }]) =>
    fc.record({ type: fc.constant(type), data: valid(data) }),
  );
  return fc.array(fc.oneof(...any), { maxLength: 12 });
}

/** One command of a history. Numbers choose among what is there when its turn comes. */
export interface Step {
  readonly command: string;
  readonly caller: number;
  readonly target: number;
  readonly parent: number;
  readonly params: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  readonly ifMatch: number | null;
}

/** Values that collide, or mean something to an invariant. */
const telling: Readonly<Record<string, readonly string[]>> = {
  title: ['About trees', 'ABOUT  trees', 'About bushes'],
  content: ['', '<p></p>', '<p>Words.</p>', '<img src="https://x.org/y.png">'],
  username: ['ada', 'Ada', 'bob'],
  email: ['ada@x.org', 'bob@x.org'],
  externalId: ['one', 'two'],
  name: ['Machines', 'MACHINES', 'Engines'],
  slug: ['machines', 'engines'],
  password: ['Correct-horse-battery-7'],
};

/** Commands of any kind by {@link people} callers, mostly on the same few things. */
export const steps: fc.Arbitrary<Step> = fc.oneof(...commands.map(stepsOf));

function stepsOf({ route }: AnyCommand): fc.Arbitrary<Step> {
  const paramShape = (route.params as z.ZodObject).shape as Record<string, z.ZodType>;
  const { id: _, ...others } = paramShape;
  return fc.record({
    command: fc.constant(route.name),
    caller: fc.nat(3),
    target: fc.nat(5),
    parent: fc.nat(5),
    params: validObject(others),
    body: route.body ? bodiesOf(route.body) : fc.constant({}),
    ifMatch: fc.oneof({ arbitrary: fc.constant(null), weight: 6 }, fc.nat(4)),
  });
}

function bodiesOf(body: z.ZodType): fc.Arbitrary<unknown> {
  const shape = (body as z.ZodObject).shape as Record<string, z.ZodType>;
  const told = Object.fromEntries(
    Object.keys(shape).flatMap((name) => (telling[name] ? [[name, fc.constantFrom(...telling[name])]] : [])),
  );
  return fc
    .tuple(valid(body), fc.record(told, { requiredKeys: [] }))
    .map(([any, known]) => body.safeParse({ ...(any as object), ...known }).data ?? body.parse(any));
}

/** The callers: two readers, a member of staff, and a service. */
export const people: readonly Caller[] = [
  userCaller('01990000-0000-7000-8000-000000000001'),
  userCaller('01990000-0000-7000-8000-000000000002'),
  userCaller('01990000-0000-7000-8000-000000000003', 'staff'),
  { kind: 'service', name: 'importer', address: '::1' },
];

/** Takes one step; gives the refusal, if it was refused. Any other error is thrown. */
export async function take(
  step: Step,
  replica: Replica,
  events: readonly DomainEvent[],
): Promise<Problem | null> {
  const command = commands.find(({ route }) => route.name === step.command);
  if (!command) throw new Error(`no command ${step.command}`);
  const caller = people[step.caller] ?? people[0];
  const [target, parent] = [idsOf(events, command.decider.category), idsOf(events, 'comment')];
  const pick = (ids: readonly string[], at: number) =>
    ids[at % ids.length] ?? '01990000-0000-7000-8000-000000000009';
  // New comments and likes are addressed by their article, followings by the person.
  const addressed = /^\/v1\/(article|user)s\//.exec(command.route.path)?.[1];
  const ids = addressed ? idsOf(events, addressed) : target;
  const body = step.body as Record<string, unknown>;
  try {
    await replica.run(command, {
      params: { ...step.params, id: pick(ids, step.target) },
      body: {
        ...body,
        ...('parentId' in body && body.parentId ? { parentId: pick(parent, step.parent) } : {}),
        ...('categoryId' in body && body.categoryId
          ? { categoryId: pick(idsOf(events, 'category'), step.parent) }
          : {}),
        ...('authorId' in body ? { authorId: pick(idsOf(events, 'user'), step.parent) } : {}),
      },
      ...(caller ? { caller } : {}),
      ...(step.ifMatch === null ? {} : { ifMatch: step.ifMatch }),
    });
    return null;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

function idsOf(events: readonly DomainEvent[], category: string): string[] {
  const streams = events.map(({ stream }) => stream).filter((stream) => stream.startsWith(`${category}-`));
  return [...new Set(streams)].map((stream) => stream.slice(category.length + 1));
}

/** Does what the worker does: gives the keys back that events gave up. */
export async function releaseKeys(replica: Replica, events: readonly DomainEvent[]): Promise<void> {
  for (const { stream, metadata } of events) {
    const { commandId, correlationId, actor, occurredAt: now } = metadata;
    const origin = { commandId, correlationId, actor, now, traceparent: undefined };
    for (const { key, attempt } of metadata.releases ?? [])
      await replica.reservations.release(key, { by: stream, attempt }, origin);
  }
}

/** The log's streams, decoded. */
export async function streamsOf(
  replica: Replica,
  { events }: ReturnType<typeof createHarness>,
): Promise<ReadonlyMap<string, readonly DomainEvent[]>> {
  const names = [...new Set(events.map(({ stream }) => stream))];
  return new Map(await Promise.all(names.map(async (name) => [name, await replica.log.read(name)] as const)));
}

/** The command, deciding twice on a frozen context: what differs then is an error. */
function checked(command: AnyCommand): AnyCommand {
  return {
    ...command,
    decide(context) {
      const frozen = { ...context, state: deepFreeze(context.state), related: deepFreeze(context.related) };
      const [first, again] = [outcomeOf(command, frozen), outcomeOf(command, frozen)];
      if (!isDeepStrictEqual(first, again)) throw new Error(`${command.route.name} decides now so, now so`);
      if (first instanceof Problem) throw first;
      return first;
    },
  };
}

function outcomeOf(command: AnyCommand, context: Parameters<AnyCommand['decide']>[0]) {
  try {
    return command.decide(context);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}
