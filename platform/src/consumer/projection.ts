/**
 * Projections: pure folds of events into one document or row per key. The author writes `keys` and `evolve`; the
 * consumer runtime does all I/O.
 */

import type { AggregateDefinition, DomainEvent } from '@annals/contracts/kit/event';
import type { z } from 'zod';

/**
 * A column derived from a row's document, for filters, sorting and search. Here and in {@link Projection} functions
 * are methods, so that a `Projection<Article>` is a `Projection`.
 */
export interface Column<State> {
  readonly type: 'text' | 'uuid' | 'integer' | 'bigint' | 'boolean' | 'timestamptz' | 'text[]' | 'tsvector';
  of(state: State): string | number | boolean | readonly string[] | null;
  /** SQL around the incoming value `$value`, e.g. `to_tsvector('english', $value)`; the value then is text. */
  readonly sql?: string;
}

/** The row side of a projection: its columns and indexes. Names are snake_case. */
export interface RowShape<State> {
  readonly columns: Readonly<Record<string, Column<State>>>;
  /** `create index` bodies after the table's name, e.g. `(author_id, published_at desc)` or `using gin (tags)`. */
  readonly indexes: readonly string[];
}

type EventsOf<Aggregates extends readonly AggregateDefinition[]> = {
  [Index in keyof Aggregates]: Aggregates[Index] extends AggregateDefinition<infer Events>
    ? { [Type in Extract<keyof Events, string>]: DomainEvent<Type, z.infer<Events[Type]['data']>> }[Extract<
        keyof Events,
        string
      >]
    : never;
}[number];

/**
 * A projection as the runtime sees it. `key` or `keys` of an event name the documents it touches; `evolve` folds one
 * event into one of them (null: not there, or delete it). Both are pure and must not throw for events that the
 * catalogue accepts: what throws is parked.
 */
export interface Projection<State extends object = object> {
  readonly kind: 'projection';
  /** snake_case; with the version it names the table or collection, e.g. `article_list_v4`. */
  readonly name: string;
  readonly version: number;
  readonly store: 'rows' | 'documents';
  readonly handles: ReadonlySet<string>;
  /** Types may be added without a new version: earlier events of theirs are none of its business. */
  readonly isOpenEnded?: boolean;
  keys(event: DomainEvent): readonly string[];
  evolve(current: State | null, event: DomainEvent, key: string): State | null;
  /**
   * Types that erase: they blank a document at once also where it has a queue, and keep their place in that. What comes
   * before them in a queue is read as erased from then on, so that a retry ends as if nothing had been parked.
   */
  readonly erasers?: ReadonlySet<string>;
  /** True for documents that the service removes by itself once they are old, about when it does: not verified. */
  isExpired?(state: State, now: Date): boolean;
  readonly rows?: RowShape<State>;
  /** Documents: top-level string fields to find them by besides their key, each unique or not there. */
  readonly lookups?: readonly string[];
  /** Documents: top-level fields that list keys of another view's documents, to be found together with those. */
  readonly references?: readonly string[];
}

/** Defines a projection over the events of `aggregates`, with typed handlers per event type. */
export function defineProjection<State extends object>() {
  return <
    const Aggregates extends readonly AggregateDefinition[],
    Handled extends EventsOf<Aggregates>['type'],
  >(definition: {
    name: string;
    version: number;
    store: 'rows' | 'documents';
    aggregates: Aggregates;
    keys: {
      readonly [Type in Handled]: (
        event: Extract<EventsOf<Aggregates>, { type: Type }>,
      ) => string | readonly string[];
    };
    evolve: (
      current: State | null,
      event: Extract<EventsOf<Aggregates>, { type: Handled }>,
      key: string,
    ) => State | null;
    erasers?: readonly NoInfer<Handled>[];
    isExpired?: (state: State, now: Date) => boolean;
    rows?: RowShape<State>;
    lookups?: readonly Extract<keyof State, string>[];
    references?: readonly Extract<keyof State, string>[];
  }): Projection<State> => {
    const keyOf = definition.keys as unknown as Record<
      string,
      (event: DomainEvent) => string | readonly string[]
    >;
    return {
      kind: 'projection',
      name: definition.name,
      version: definition.version,
      store: definition.store,
      handles: new Set(Object.keys(definition.keys)),
      keys: (event) => {
        const keys = keyOf[event.type]?.(event) ?? [];
        return typeof keys === 'string' ? [keys] : keys;
      },
      evolve: definition.evolve as unknown as Projection<State>['evolve'],
      ...(definition.erasers ? { erasers: new Set(definition.erasers) } : {}),
      ...(definition.isExpired ? { isExpired: definition.isExpired } : {}),
      ...(definition.rows ? { rows: definition.rows } : {}),
      ...(definition.lookups ? { lookups: definition.lookups } : {}),
      ...(definition.references ? { references: definition.references } : {}),
    };
  };
}

/** `<name>_v<version>`: the name of the table or collection, and of the consumer. */
export function viewName(projection: { readonly name: string; readonly version: number }): string {
  return `${projection.name}_v${projection.version}`;
}

/** The consumer of the generation that stands beside the live one of `consumer`. */
export function besideOf(consumer: string): string {
  return `${consumer}_beside`;
}

/** The view whose generation `consumer` is: the live one, or the one beside. */
export function viewOf(consumer: string): string {
  return consumer.endsWith('_beside') ? consumer.slice(0, -'_beside'.length) : consumer;
}
