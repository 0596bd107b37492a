/** Deciders, whatever happens to them: folds of any events, histories of any commands, in any interleaving. */
import { catalogue } from '@annals/contracts/catalogue';
import type { ReservationEvent } from '@annals/contracts/identity/reservation.events';
import type { DomainEvent } from '@annals/contracts/kit/event';
import { streamCategory } from '@annals/contracts/kit/event';
import type { UniqueKey } from '@annals/contracts/kit/unique-key';
import { createEventLog } from '@annals/platform/event-log/event-log';
import { createMemoryEventStore } from '@annals/platform/event-store/memory';
import { createMemoryKeyStore } from '@annals/platform/privacy/memory-keys';
import { uuidv7 } from '@annals/platform/uuid';
import { deepFreeze } from '@annals/testing/deep-freeze';
import { valid } from '@annals/testing/fuzz/arbitrary';
import { FUZZ_TIMEOUT_MS, runs } from '@annals/testing/fuzz/runs';
import { counts } from '@annals/testing/guarantees/counts';
import { report } from '@annals/testing/guarantees/report';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import * as reservation from '../reservations/domain/reservation.ts';
import type { DecidedEvent, Decider } from './decider.ts';
import { createHarness, type Replica } from './harness.fixture.ts';
import {
  aggregates,
  anyEvents,
  commands,
  deciders,
  releaseKeys,
  type Step,
  steps,
  streamsOf,
  take,
} from './histories.fixture.ts';
import { checkHistory, invariants } from './invariants.fixture.ts';
import { foldClaims } from './streams.ts';

vi.setConfig({ testTimeout: FUZZ_TIMEOUT_MS });

const decided = aggregates.filter(({ category }) => deciders.has(category));

function fold(category: string, events: readonly DecidedEvent[], from?: unknown): unknown {
  const decider = deciders.get(category);
  if (!decider) throw new Error(`no decider of ${category}`);
  return events.reduce(
    (state: unknown, event) => deepFreeze(decider.evolve(state, deepFreeze(event))),
    deepFreeze(from ?? decider.initial),
  );
}

describe.each(decided.map((aggregate) => [aggregate.category, aggregate] as const))(
  'the decider of %s',
  (category, aggregate) => {
    const decider = commands.find((command) => command.decider.category === category)?.decider;

    test('folds any events in any order, always to the same state, and owns keys in all of them', () => {
      fc.assert(
        fc.property(anyEvents(aggregate), (events) => {
          const state = fold(category, events);
          expect(fold(category, structuredClone(events))).toEqual(state);
          if (decider) expect(decider.keys(state)).toEqual(decider.keys(structuredClone(state)));
        }),
        runs(200, 10_000),
      );
    });

    test('goes on from a remembered state as from the beginning', () => {
      fc.assert(
        fc.property(anyEvents(aggregate), fc.nat(12), (events, at) => {
          const remembered: unknown = JSON.parse(JSON.stringify(fold(category, events.slice(0, at))));
          expect(fold(category, events.slice(at), remembered)).toEqual(fold(category, events));
        }),
        runs(200, 10_000),
      );
    });
  },
);

test('every event of the catalogue comes back from the log as it was written', async () => {
  const metadata = {
    commandId: uuidv7(),
    correlationId: uuidv7(),
    causationId: uuidv7(),
    actor: { kind: 'system', id: null },
    occurredAt: '2026-11-22T10:00:00.000Z',
  } as const;
  const any = [...catalogue.values()].map(({ type, data }) =>
    fc.record({ type: fc.constant(type), data: valid(data) }),
  );
  const log = createEventLog({
    store: createMemoryEventStore(),
    catalogue,
    keys: createMemoryKeyStore(),
    mayCreateKeys: true,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(...any), { minLength: 1, maxLength: 5 }), async (events) => {
      const stream = `fuzz-${uuidv7()}`;
      await log.append(
        stream,
        events.map((event) => ({ ...event, id: uuidv7(), metadata })),
        'none',
      );
      const read = await log.read(stream);
      expect(read.map(({ type, data }) => ({ type, data }))).toEqual(JSON.parse(JSON.stringify(events)));
    }),
    runs(100, 10_000),
  );
});

test('every category that commands decide on has invariants', () => {
  expect(Object.keys(invariants).sort()).toEqual([...deciders.keys()].sort());
});

/** Checks all that must hold of a log that commands have written. */
async function checkLog(harness: ReturnType<typeof createHarness>, replica: Replica): Promise<void> {
  const owners = new Map<string, string>();
  const streams = await streamsOf(replica, harness);
  for (const [stream, events] of streams) {
    const category = streamCategory(stream);
    checkHistory(category, stream, events);
    if (category === 'reservation')
      checkTakeovers(stream, events as readonly ReservationEventRead[], streams);
    const command = commands.find(({ decider }) => decider.category === category);
    if (command) checkKeys(stream, events, command.decider, replica, owners);
  }
}

type ReservationEventRead = ReservationEvent & DomainEvent;

/** A key that is held is reserved by others only once its holder's own stream has given it up. */
function checkTakeovers(
  key: string,
  events: readonly ReservationEventRead[],
  streams: ReadonlyMap<string, readonly DomainEvent[]>,
): void {
  let state = reservation.initial;
  for (const event of events) {
    if (event.type === 'KeyReserved' && state.status === 'held' && state.by !== event.data.by) {
      const before = (streams.get(state.by) ?? []).filter(({ position }) => position < event.position);
      const claims = before.reduce((all, { metadata }) => foldClaims(all, metadata), noClaims);
      expect(claims.has(key), `${key} was taken from ${state.by}`).toBe(false);
    }
    state = reservation.evolve(state, event);
  }
}

const noClaims: ReadonlyMap<string, string> = new Map();

/** After every event, claims agree with the state's keys; at the end nobody else owns one of them. */
function checkKeys(
  stream: string,
  events: readonly DomainEvent[],
  decider: Decider<unknown>,
  { reservations }: Replica,
  owners: Map<string, string>,
): void {
  const namesOf = (keys: readonly UniqueKey[]) => keys.map((key) => reservations.streamOf(key)).sort();
  let state = decider.initial;
  let claims = noClaims;
  for (const event of events) {
    if (event.type !== 'ReservationLapsed') state = decider.evolve(state, event);
    claims = foldClaims(claims, event.metadata);
    expect([...claims.keys()].sort()).toEqual(namesOf(decider.keys(state)));
  }
  for (const key of claims.keys()) {
    expect(owners.get(key) ?? stream, `two own ${key}`).toBe(stream);
    owners.set(key, stream);
  }
}

describe('histories of commands', () => {
  test('one after the other, on two replicas in turn, keep every invariant', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(steps, fc.boolean()), { minLength: 1, maxLength: 40, size: 'max' }),
        async (history) => {
          const harness = createHarness();
          const replicas = [harness.replica(), harness.replica()] as const;
          for (const [step, atFirst] of history) {
            const before = harness.events.length;
            const refusal = await take(step, replicas[atFirst ? 0 : 1], harness.events);
            const written = harness.events.slice(before);
            if (refusal) expect(written.filter(({ type }) => !isReserving(type))).toEqual([]);
            if (atFirst) await releaseKeys(replicas[0], harness.events);
          }
          await Promise.all(replicas.map(({ reservations }) => reservations.drain()));
          await checkLog(harness, replicas[0]);
        },
      ),
      runs(40, 3_000),
    );
    report(0, { histories: counts(40, 3_000) });
  });

  test('at once, in any interleaving of their reads and appends, keep every invariant', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(steps, { maxLength: 10 }),
        fc.array(fc.array(steps, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
        async (scheduler, first, rounds) => {
          const harness = createHarness();
          const calm = harness.replica();
          for (const step of first) await take(step, calm, harness.events);
          const replicas = [0, 1].map(() =>
            harness.replica({
              waitMs: 0,
              wrap: (log) => ({
                ...log,
                read: inTurn(scheduler, log.read),
                append: inTurn(scheduler, log.append),
              }),
            }),
          );
          for (const round of rounds) {
            const taken = round.map((step: Step, index) =>
              take(step, replicas[index % 2] ?? calm, [...harness.events]),
            );
            await scheduler.waitFor(Promise.all(taken));
            await scheduler.waitFor(Promise.all(replicas.map(({ reservations }) => reservations.drain())));
            await releaseKeys(calm, harness.events);
          }
          await checkLog(harness, calm);
        },
      ),
      runs(40, 3_000),
    );
    report(0, { 'interleaved histories': counts(40, 3_000) });
  });
});

/** The function, begun and ended when the scheduler says so. */
function inTurn<Args extends unknown[], Result>(
  scheduler: fc.Scheduler,
  act: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    await scheduler.schedule(Promise.resolve());
    try {
      return await act(...args);
    } finally {
      await scheduler.schedule(Promise.resolve());
    }
  };
}

function isReserving(type: string): boolean {
  return type.startsWith('Key') || type === 'ReservationLapsed';
}
