/**
 * Integration topics: what other systems may know, as records of Kafka. Public schemas of their own, apart from the
 * stored events, and pure rules from the one to the other. `topics.ts` finds every `*.topics.ts` file.
 */
import type { z } from 'zod';
import type { AggregateDefinition, DomainEvent, DomainEventOf, EventDefinition } from './event.ts';

/** One kind of event of `annals.<context>.v<n>`. */
export interface TopicEvent {
  readonly kind: 'topic-event';
  readonly context: string;
  /** kebab-case, in the past tense. */
  readonly name: string;
  /** Of the schema. A change that consumers could stumble over is a new version, i.e. another type. */
  readonly version: number;
  readonly summary: string;
  /** Of the record's value. */
  readonly data: z.ZodObject;
  /** The stored event that it follows from. */
  readonly from: string;
  /** The subject's id: the record's key. */
  subject(event: DomainEvent): string;
  /** The value; null where the event is nobody's business. */
  of(event: DomainEvent): object | null;
}

/** One kind of subject whose newest public state `annals.<context>.state.v<n>` holds. */
export interface TopicState {
  readonly kind: 'topic-state';
  readonly context: string;
  /** kebab-case. */
  readonly name: string;
  readonly version: number;
  readonly summary: string;
  /** Of the record's value; a subject that is not public, or no longer, has none. */
  readonly data: z.ZodObject;
  /** Of the subject's stream, `<category>-<subject's id>`: all that its state follows from. */
  readonly category: string;
  readonly handles: ReadonlySet<string>;
  /** Folds one event into what is known of the subject; null: it is gone. */
  evolve(current: object | null, event: DomainEvent): object | null;
  /** What of it is public; null: nothing. */
  publicOf(known: object): object | null;
}

/** A record of a topic, before it is put on the wire. */
export interface TopicRecord {
  readonly topic: string;
  /** The subject's id. */
  readonly key: string;
  /** JSON; null is a tombstone: the subject has no public state any more. */
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** A topic, and whose records it carries. */
export interface Topic {
  readonly name: string;
  readonly context: string;
  /** `events` are kept for a time, of `states` the newest of each key for ever. */
  readonly carries: 'events' | 'states';
  readonly members: readonly (TopicEvent | TopicState)[];
}

/** The events and states of all contexts. */
export interface Topics {
  /** By the stored event's type. */
  readonly events: ReadonlyMap<string, readonly TopicEvent[]>;
  /** By the category of the subject's stream. */
  readonly states: ReadonlyMap<string, TopicState>;
  readonly all: readonly Topic[];
}

/** Defines events of a context's topic, each by the stored event of `aggregate` that it follows from. */
export function defineTopicEvents<Events extends Record<string, EventDefinition>>(
  context: string,
  _aggregate: AggregateDefinition<Events>,
  rules: {
    readonly [Type in Extract<keyof Events, string>]?: {
      name: string;
      version: number;
      summary: string;
      data: z.ZodObject;
      subject: (event: DomainEvent<Type, z.infer<Events[Type]['data']>>) => string;
      of: (event: DomainEvent<Type, z.infer<Events[Type]['data']>>) => object | null;
    };
  },
): readonly TopicEvent[] {
  return Object.entries(rules).map(([from, rule]) => ({
    ...(rule as Omit<TopicEvent, 'kind' | 'context' | 'from'>),
    kind: 'topic-event',
    context,
    from,
  }));
}

/** Defines the public state of an aggregate's subjects. */
export function defineTopicState<Known extends object>() {
  return <Events extends Record<string, EventDefinition>, Handled extends Extract<keyof Events, string>>(
    context: string,
    aggregate: AggregateDefinition<Events>,
    definition: {
      name: string;
      version: number;
      summary: string;
      data: z.ZodObject;
      handles: readonly Handled[];
      evolve: (
        current: Known | null,
        event: Extract<DomainEventOf<AggregateDefinition<Events>>, { type: Handled }>,
      ) => Known | null;
      publicOf: (known: Known) => object | null;
    },
  ): TopicState => ({
    ...definition,
    kind: 'topic-state',
    context,
    category: aggregate.category,
    handles: new Set(definition.handles),
    evolve: definition.evolve as unknown as TopicState['evolve'],
    publicOf: definition.publicOf as unknown as TopicState['publicOf'],
  });
}
