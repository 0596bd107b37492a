import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { catalogue } from './catalogue.ts';
import type { DomainEvent } from './kit/event.ts';
import { eventRecords, stateRecord, topics } from './topics.ts';

const folder = new URL('../fixtures/', import.meta.url);
const id = '01990000-0000-7000-8000-000000000001';

/** A stored event of every type of the catalogue, from its fixture, each personal field marked. */
const events: readonly DomainEvent[] = [...catalogue.values()].map((entry, revision) => {
  const file = readdirSync(folder).find((name) => name === `${entry.type}.v${entry.version}.json`);
  const data = JSON.parse(readFileSync(new URL(file ?? '', folder), 'utf8')) as Record<string, unknown>;
  for (const field of entry.personalFields) data[field] = `PERSONAL ${entry.type}.${field}`;
  const metadata = {
    ...{ schemaVersion: entry.version, commandId: id, correlationId: id, causationId: id },
    ...{ actor: { kind: 'user' as const, id }, occurredAt: '2026-11-22T10:00:00.000Z' },
  };
  return {
    id,
    stream: `${entry.category}-${id}`,
    revision,
    position: `abcdefgh.${revision}`,
    type: entry.type,
    data,
    metadata,
  };
});

describe('no personal data leaves in a topic', () => {
  const personal = events.filter(({ data }) => JSON.stringify(data).includes('PERSONAL'));

  it('has personal fields to look for', () => {
    expect(personal.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['UserRegistered', 'ProfileUpdated']),
    );
  });

  it.each(events.map((event) => [event.type, event] as const))('neither as an event: %s', (_, event) => {
    for (const record of eventRecords(topics, event))
      expect(JSON.stringify(record)).not.toContain('PERSONAL');
  });

  it.each([...topics.states])('nor as a state: %s', (category, state) => {
    const own = events.filter(({ stream }) => stream.startsWith(`${category}-`));
    expect(own.length).toBeGreaterThan(0);
    // After each of them, so that no state hides another.
    own.forEach((_, index) => {
      const record = stateRecord(state, own.slice(0, index + 1));
      expect(JSON.stringify(record)).not.toContain('PERSONAL');
    });
  });

  it('nor by a schema that has a place for it', () => {
    const names = new Set([...catalogue.values()].flatMap(({ personalFields }) => personalFields));
    for (const { members } of topics.all)
      for (const { data, name } of members)
        expect(
          Object.keys(data.shape).filter((field) => names.has(field)),
          name,
        ).toEqual([]);
  });

  it('and every value is as its schema says', () => {
    for (const event of events) {
      for (const [index, { value }] of eventRecords(topics, event).entries()) {
        const rule = topics.events.get(event.type)?.[index];
        rule?.data.strict().parse(JSON.parse(value ?? 'null'));
      }
    }
  });
});
