/**
 * Events: the envelope every stored event has, and the definition of an aggregate's event types. An aggregate's
 * definition is its published language towards every other service; `catalogue.ts` finds all of them.
 */
import { z } from 'zod';
import { personalFields } from './personal.ts';
import { timestamp, uuid } from './primitives.ts';

/** Who caused an event. `id` is the user's id or the service's name; null for `anonymous` and `system`. */
export const actor = z.object({
  kind: z.enum(['user', 'service', 'system', 'anonymous']),
  id: z.string().nullable(),
});
export type Actor = z.infer<typeof actor>;

/** A unique key that an event takes or gives up: the reservation's stream and the attempt that made it. */
export const keyClaim = z.object({ key: z.string(), attempt: uuid });
export type KeyClaim = z.infer<typeof keyClaim>;

/** What every event says about its origin. Never personal data. */
export const eventMetadata = z.object({
  schemaVersion: z.int().positive(),
  commandId: uuid,
  correlationId: uuid,
  causationId: uuid,
  actor,
  occurredAt: timestamp,
  /** W3C trace context of the request that caused the event. */
  traceparent: z.string().optional(),
  /** Unique keys that this event's aggregate owns from here on. */
  claims: z.array(keyClaim).optional(),
  /** Unique keys that it gives up; the worker releases them. */
  releases: z.array(keyClaim).optional(),
});
export type EventMetadata = z.infer<typeof eventMetadata>;

/** A stored event, upcast to its newest version and with personal fields decrypted: what folds and reactions see. */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly id: string;
  readonly stream: string;
  /** From 0 within the stream. */
  readonly revision: number;
  /** Position in the whole log; compare as text. */
  readonly position: string;
  readonly type: Type;
  readonly data: Data;
  readonly metadata: EventMetadata;
}

/** One event type: its newest schema, and how older versions become it. */
export interface EventDefinition<Schema extends z.ZodObject = z.ZodObject> {
  /** The version that is written; older ones are upcast on read. */
  readonly version: number;
  readonly data: Schema;
  /** `upcasters[n]` turns data of version n into version n + 1; every n below `version` must be there. */
  readonly upcasters?: Readonly<Record<number, (data: Record<string, unknown>) => Record<string, unknown>>>;
  /** The field of `data` that names whose personal data this is; required where a field is `personal`. */
  readonly subject?: Extract<keyof z.infer<Schema>, string>;
}

/** An aggregate's events and the category of its streams (`<category>-<id>`). */
export interface AggregateDefinition<
  Events extends Record<string, EventDefinition> = Record<string, EventDefinition>,
> {
  readonly kind: 'aggregate';
  readonly category: string;
  readonly events: Events;
}

/** Defines an event type; a definition that lacks an upcaster or a subject throws at start. */
export function defineEvent<const Schema extends z.ZodObject>(
  definition: EventDefinition<Schema>,
): EventDefinition<Schema> {
  for (let version = 1; version < definition.version; version++) {
    if (!definition.upcasters?.[version]) throw new Error(`no upcaster from version ${version}`);
  }
  if (personalFields(definition.data.shape).length > 0 && !definition.subject)
    throw new Error('personal fields need a subject');
  return definition;
}

/**
 * Data of `version` as data of the newest version: lifted by the upcasters in turn, then checked. Throws what an
 * upcaster throws, or the schema's ZodError.
 */
export function upcast<Schema extends z.ZodObject>(
  definition: EventDefinition<Schema>,
  version: number,
  data: Readonly<Record<string, unknown>>,
): z.output<Schema> {
  let lifted = { ...data };
  for (let from = version; from < definition.version; from++) {
    lifted = definition.upcasters?.[from]?.(lifted) ?? lifted;
  }
  return definition.data.parse(lifted);
}

/** Defines an aggregate: the category of its streams and all its event types, by past-tense name. */
export function defineAggregate<const Events extends Record<string, EventDefinition>>(
  category: string,
  events: Events,
): AggregateDefinition<Events> {
  return { kind: 'aggregate', category, events };
}

/** The union of an aggregate's events as `{ type, data }`, discriminated by `type`. */
export type EventOf<Aggregate> =
  Aggregate extends AggregateDefinition<infer Events>
    ? {
        [Type in Extract<keyof Events, string>]: {
          readonly type: Type;
          readonly data: z.infer<Events[Type]['data']>;
        };
      }[Extract<keyof Events, string>]
    : never;

/** The union of an aggregate's events as {@link DomainEvent}s, discriminated by `type`. */
export type DomainEventOf<Aggregate> =
  Aggregate extends AggregateDefinition<infer Events>
    ? { [Type in Extract<keyof Events, string>]: DomainEvent<Type, z.infer<Events[Type]['data']>> }[Extract<
        keyof Events,
        string
      >]
    : never;

/** The id part of a stream's name: `article-<id>` gives `<id>`. */
export function streamId(stream: string): string {
  return stream.slice(stream.indexOf('-') + 1);
}

/** The category part of a stream's name: `article-<id>` gives `article`. Categories hold no hyphen. */
export function streamCategory(stream: string): string {
  return stream.slice(0, stream.indexOf('-'));
}
