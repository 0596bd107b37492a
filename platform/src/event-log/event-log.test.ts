import { randomUUID } from 'node:crypto';
import { buildCatalogue } from '@annals/contracts/catalogue';
import { defineAggregate, defineEvent } from '@annals/contracts/kit/event';
import { ERASED, personal } from '@annals/contracts/kit/personal';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { createMemoryEventStore } from '../event-store/memory.ts';
import { createMemoryKeyStore } from '../privacy/memory-keys.ts';
import { UnreadablePersonalData } from '../privacy/port.ts';
import { createEventLog } from './event-log.ts';
import { type DomainEventInput, SubjectErased, UndecodableEvent } from './log.ts';

const ADA = randomUUID();
const NOTED = { personId: ADA, name: 'Ada', note: null };

const oldCatalogue = buildCatalogue([
  defineAggregate('person', {
    PersonNoted: defineEvent({
      version: 1,
      subject: 'personId',
      data: z.object({ personId: z.uuid(), fullName: personal(z.string()), age: z.number().optional() }),
    }),
    CounterMoved: defineEvent({ version: 1, data: z.object({ by: z.number() }) }),
  }),
]);

const newCatalogue = buildCatalogue([
  defineAggregate('person', {
    PersonNoted: defineEvent({
      version: 2,
      subject: 'personId',
      data: z.object({
        personId: z.uuid(),
        name: personal(z.string()),
        note: personal(z.string().nullable()),
      }),
      upcasters: {
        1: ({ fullName, age, ...rest }) => {
          if (age === -1) throw new RangeError('no such age');
          return age === 0 ? rest : { ...rest, name: fullName, note: null };
        },
      },
    }),
    CounterMoved: defineEvent({ version: 1, data: z.object({ by: z.number() }) }),
    CounterReset: defineEvent({ version: 1, data: z.object({}) }),
  }),
]);

function event(type: string, data: unknown): DomainEventInput {
  const commandId = randomUUID();
  const origin = { commandId, correlationId: commandId, causationId: commandId };
  const metadata = {
    ...origin,
    actor: { kind: 'system' as const, id: null },
    occurredAt: '2026-11-22T10:00:00.000Z',
  };
  return { id: randomUUID(), type, data, metadata };
}

const noted = (data: unknown = NOTED) => event('PersonNoted', data);
const moved = (by = 1) => event('CounterMoved', { by });

/** A log of this release, one of the release before over the same store, and what both stand on. */
function logs() {
  const store = createMemoryEventStore();
  const keys = createMemoryKeyStore();
  const log = createEventLog({ store, keys, catalogue: newCatalogue, mayCreateKeys: true });
  const old = createEventLog({ store, keys, catalogue: oldCatalogue, mayCreateKeys: true });
  return { store, keys, log, old };
}

/** Reads a subscription from the start until it has caught up or fails. */
async function follow({ log }: Pick<ReturnType<typeof logs>, 'log'>, types: string[]) {
  const data: unknown[] = [];
  let through = '';
  try {
    for await (const batch of log.subscribe({ from: 'start', types: new Set(types) })) {
      data.push(...batch.events.map((one) => one.data));
      through = batch.through;
      if (batch.caughtUp) break;
    }
  } catch (error) {
    return { data, through, error };
  }
  return { data, through, error: undefined };
}

describe('append', () => {
  it('writes what it then reads, with the version added', async () => {
    const { log } = logs();
    const input = noted();
    const result = await log.append('person-1', [input, moved()], 'none');
    const [first, second] = await log.read('person-1');
    expect(first).toMatchObject({
      ...input,
      stream: 'person-1',
      revision: 0,
      metadata: { ...input.metadata, schemaVersion: 2 },
    });
    expect(second?.position).toBe(result.position);
  });

  it('seals every personal field, nulls included, and leaves the others readable', async () => {
    const { store, log } = logs();
    await log.append('person-1', [noted()], 'none');
    const [stored] = await store.read('person-1');
    expect(JSON.stringify(stored)).not.toContain('Ada');
    expect(stored?.data).toMatchObject({ personId: ADA, name: { sealed: 1 }, note: { sealed: 1 } });
  });

  it('refuses what the catalogue refuses, before anything is written', async () => {
    const { store, log } = logs();
    const { metadata } = moved();
    const mistakes = [
      event('Unheard', {}),
      event('CounterMoved', { by: 'one' }),
      event('CounterMoved', { by: 1, extra: true }),
      { ...moved(), metadata: { ...metadata, commandId: 'x' } },
      { ...moved(), metadata: { ...metadata, ip: '10.0.0.1' } },
    ];
    for (const mistake of mistakes)
      await expect(log.append('person-1', [moved(), mistake], 'any')).rejects.toThrow(TypeError);
    expect(await store.read('person-1')).toEqual([]);
  });

  it('makes no keys unless it may', async () => {
    const { store, keys } = logs();
    const log = createEventLog({ store, keys, catalogue: newCatalogue });
    await expect(log.append('person-1', [noted()], 'none')).rejects.toThrow('has no key');
    await keys.ensure([ADA]);
    await log.append('person-1', [noted()], 'none');
  });

  it('writes nothing personal about an erased person', async () => {
    const { keys, log } = logs();
    await keys.destroy(ADA);
    await expect(log.append('person-1', [noted()], 'none')).rejects.toThrow(SubjectErased);
  });

  it('counts the same events again as the same append', async () => {
    const { log } = logs();
    const events = [noted()];
    const first = await log.append('person-1', events, 'none');
    expect(await log.append('person-1', events, 'none')).toEqual(first);
  });
});

describe('personal data', () => {
  it('reads as erased once its key is destroyed, in old versions too', async () => {
    const { keys, log, old } = logs();
    await log.append('person-1', [noted()], 'none');
    await old.append('person-1', [event('PersonNoted', { personId: ADA, fullName: 'Ada L.' })], 0);
    await keys.destroy(ADA);
    const erased = { personId: ADA, name: ERASED, note: ERASED };
    expect((await log.read('person-1')).map(({ data }) => data)).toEqual([erased, { ...erased, note: null }]);
  });

  it('takes the keys of a batch in one read, and none where nothing is sealed', async () => {
    const { keys, log } = logs();
    const people = Array.from({ length: 5 }, () => noted({ ...NOTED, personId: randomUUID() }));
    await log.append('person-1', people, 'none');
    await log.append('person-2', [moved()], 'none');
    const read = vi.spyOn(keys, 'read');
    expect((await follow({ log }, ['PersonNoted'])).data).toHaveLength(5);
    expect(read).toHaveBeenCalledTimes(1);
    await follow({ log }, ['CounterMoved']);
    expect(read).toHaveBeenCalledTimes(1);
  });

  it('never takes a missing key or another key for an erasure', async () => {
    const { store, log } = logs();
    await log.append('person-1', [noted()], 'none');
    const otherKeys = createMemoryKeyStore();
    const stranger = createEventLog({ store, keys: otherKeys, catalogue: newCatalogue });
    await expect(stranger.read('person-1')).rejects.toThrow(UnreadablePersonalData);
    await otherKeys.ensure([ADA]);
    await expect(stranger.read('person-1')).rejects.toThrow(UnreadablePersonalData);
  });
});

describe('versions', () => {
  it('upcasts what an earlier release wrote', async () => {
    const { log, old } = logs();
    await old.append('person-1', [event('PersonNoted', { personId: ADA, fullName: 'Ada L.' })], 'none');
    const [read] = await log.read('person-1');
    expect(read).toMatchObject({ data: { ...NOTED, name: 'Ada L.' }, metadata: { schemaVersion: 2 } });
  });

  it('delivers what precedes an event of a newer release, then throws', async () => {
    const { log, old } = logs();
    const { position } = await log.append('person-1', [moved(1), moved(2)], 'none');
    await log.append('person-1', [noted(), moved(3)], 1);
    const { data, through, error } = await follow({ log: old }, ['CounterMoved', 'PersonNoted']);
    expect(data).toEqual([{ by: 1 }, { by: 2 }]);
    expect(through).toBe(position);
    expect(error).toMatchObject({ name: 'UndecodableEvent', reason: 'newer' });
    await expect(old.read('person-1')).rejects.toThrow(UndecodableEvent);
  });

  it('minds newer versions and unknown types only where they are wanted', async () => {
    const { log, old } = logs();
    const events = [noted(), event('CounterReset', {}), moved(3)];
    const { position } = await log.append('person-1', events, 'none');
    expect(await follow({ log: old }, ['CounterMoved'])).toEqual({
      data: [{ by: 3 }],
      through: position,
      error: undefined,
    });
    expect((await follow({ log: old }, ['CounterReset'])).error).toBeInstanceOf(TypeError);
    await expect(old.read('person-1', { from: 1 })).rejects.toMatchObject({ reason: 'newer' });
    expect(await old.read('person-1', { types: new Set(['CounterMoved']) })).toMatchObject([
      { data: { by: 3 } },
    ]);
  });

  it.each([
    ['the upcaster throws', -1],
    ['the newest schema refuses what the upcaster made', 0],
  ])('delivers what precedes a broken event, then throws: %s', async (_, age) => {
    const { store, log, old } = logs();
    const broken = event('PersonNoted', { personId: ADA, fullName: 'Ada L.', age });
    await old.append('person-1', [moved(1), broken, moved(2)], 'none');
    const { data, error } = await follow({ log }, ['CounterMoved', 'PersonNoted']);
    expect(data).toEqual([{ by: 1 }]);
    const [, stored] = await store.read('person-1');
    expect(error).toMatchObject({ name: 'UndecodableEvent', reason: 'broken', position: stored?.position });
  });

  it('calls an event without a version broken', async () => {
    const { store, log } = logs();
    await store.append(
      'person-1',
      [{ id: randomUUID(), type: 'CounterMoved', data: { by: 1 }, metadata: {} }],
      'none',
    );
    await expect(log.read('person-1')).rejects.toMatchObject({ reason: 'broken' });
  });
});
