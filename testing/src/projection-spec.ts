/**
 * Specifications of projections: `projectionSpec(articleList).given(...events).thenDocument(articleId, { … })`.
 * Events go through the catalogue, and documents through JSON between two of them, as in the runtime.
 */
import { randomUUID } from 'node:crypto';
import { catalogue } from '@annals/contracts/catalogue';
import type { Actor, DomainEvent } from '@annals/contracts/kit/event';
import type { Projection } from '@annals/platform/consumer/projection';
import { expect } from 'vitest';
import { deepFreeze } from './deep-freeze.ts';

/** An event as a specification gives it. */
export interface GivenEvent {
  readonly type: string;
  readonly data: object;
  /** Default: the aggregate's, after the data's own id, e.g. `article-<articleId>`. */
  readonly stream?: string;
  /** Default: a second later than the event before. */
  readonly occurredAt?: string;
  readonly actor?: Actor;
}

/** What a projection holds after its events. */
export interface Projected<State> {
  /** Exactly this document under `key`. */
  thenDocument(key: string, expected: State): void;
  /** At least these fields in the document under `key`. */
  thenFields(key: string, expected: Partial<State>): void;
  /** Exactly these keys, in any order. */
  thenKeys(...expected: readonly string[]): void;
  /** The values of the row's derived columns. */
  thenColumns(key: string, expected: Readonly<Record<string, unknown>>): void;
  readonly events: readonly DomainEvent[];
}

/** Specifications of one projection. Given events must be of the catalogue, valid, and of types that it handles. */
export function projectionSpec<State extends object>(projection: Projection<State>) {
  return {
    given(...given: readonly GivenEvent[]): Projected<State> {
      const events = domainEvents(...given);
      const documents = fold(projection, events);
      const documentOf = (key: string) => {
        expect([...documents.keys()]).toContain(key);
        return documents.get(key) as State;
      };
      return {
        events,
        thenDocument: (key, expected) => expect(documentOf(key)).toEqual(expected),
        thenFields: (key, expected) => expect(documentOf(key)).toMatchObject(expected),
        thenKeys: (...expected) => expect([...documents.keys()].sort()).toEqual([...expected].sort()),
        thenColumns(key, expected) {
          const state = documentOf(key);
          const columns = Object.entries(projection.rows?.columns ?? {});
          expect(Object.fromEntries(columns.map(([name, column]) => [name, column.of(state)]))).toMatchObject(
            expected,
          );
        },
      };
    },
  };
}

/**
 * Folds with JSON between two events, as between two batches. What a batch keeps in memory must come out the same,
 * byte for byte (no `undefined`, no dates, no order of fields that depends on it), or a rebuild would differ.
 */
function fold<State extends object>(
  projection: Projection<State>,
  events: readonly DomainEvent[],
): Map<string, State> {
  const documents = new Map<string, State>();
  const inMemory = new Map<string, State>();
  for (const event of events) {
    if (!projection.handles.has(event.type))
      throw new Error(`${projection.name} does not handle ${event.type}`);
    for (const key of projection.keys(event)) {
      const next = projection.evolve(documents.get(key) ?? null, event, key);
      const kept = projection.evolve(inMemory.get(key) ?? null, event, key);
      expect(JSON.stringify(kept)).toBe(JSON.stringify(next));
      if (kept) inMemory.set(key, kept);
      else inMemory.delete(key);
      if (next) documents.set(key, deepFreeze(JSON.parse(JSON.stringify(next)) as State));
      else documents.delete(key);
    }
  }
  return documents;
}

/** Events as a log would deliver them: positions rise, revisions are contiguous per stream. Invalid ones throw. */
export function domainEvents(...given: readonly GivenEvent[]): DomainEvent[] {
  const revisions = new Map<string, number>();
  return given.map((event, index) => {
    const entry = catalogue.get(event.type);
    if (!entry) throw new Error(`${event.type} is not in the catalogue`);
    const data = entry.data.strict().parse(event.data);
    const stream = event.stream ?? `${entry.category}-${data[`${entry.category}Id`] ?? 'spec'}`;
    const revision = revisions.get(stream) ?? 0;
    revisions.set(stream, revision + 1);
    const commandId = randomUUID();
    return deepFreeze({
      id: randomUUID(),
      type: event.type,
      data,
      stream,
      revision,
      position: `spec0000.${index.toString(16).padStart(16, '0')}`,
      metadata: {
        ...{ schemaVersion: entry.version, commandId, correlationId: commandId, causationId: commandId },
        actor: event.actor ?? { kind: 'system', id: null },
        occurredAt: event.occurredAt ?? new Date(Date.UTC(2026, 0, 1, 0, 0, index)).toISOString(),
      },
    });
  });
}
