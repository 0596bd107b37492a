/** What the contract of the consumer store needs of an adapter, and the projection that it is tried with. */
import { defineAggregate, defineEvent } from '@annals/contracts/kit/event';
import { fingerprint } from '@annals/platform/consumer/fingerprint';
import { defineProjection, type Projection, viewName } from '@annals/platform/consumer/projection';
import type { Claim, Registration, ViewStore, Writes } from '@annals/platform/consumer/store';
import type { Position } from '@annals/platform/event-store/port';
import { z } from 'zod';

/** An adapter's database, with stores as two processes would have them. */
export interface StoreUnderTest {
  readonly store: ViewStore;
  readonly other: ViewStore;
  /** Every document of a view, verbatim, by key. */
  texts(consumer: string): Promise<ReadonlyMap<string, string>>;
  /** The names of its tables or collections, of both generations, sorted. */
  tables(view: string): Promise<readonly string[]>;
  /** Removes a consumer's checkpoint: so far does a drop come that is killed while it waits. */
  beginDrop(consumer: string): Promise<void>;
  /** Lets a consumer's lease run out. */
  expireLease(consumer: string): Promise<void>;
  drop(): Promise<void>;
}

export interface StoreAdapter {
  readonly kind: Projection['store'];
  open(): Promise<StoreUnderTest>;
  /** A document that the database refuses however often it is tried. */
  readonly refused: Counted;
  /** False where documents may be written without their checkpoint. */
  readonly isAtomic?: boolean;
  /** Documents of a large batch. Default 5,000; servers for tests may be slow. */
  readonly large?: number;
}

/** What tests of the suite share. */
export interface StoreFixture {
  readonly adapter: StoreAdapter;
  readonly it: () => StoreUnderTest;
}

export interface Counted {
  readonly count: number;
  readonly slug: string;
  readonly more?: unknown;
  readonly friends?: readonly string[];
}

const thing = defineAggregate('thing', {
  ThingCounted: defineEvent({ version: 1, data: z.object({ thing: z.string() }) }),
});

let number = 0;

/** A projection with a name of its own. */
export function projectionOf(kind: Projection['store']): Projection {
  return defineProjection<Counted>()({
    name: `things_${++number}`,
    version: 1,
    store: kind,
    aggregates: [thing],
    keys: { ThingCounted: ({ data }) => data.thing },
    evolve: (current) => ({ count: (current?.count ?? 0) + 1, slug: current?.slug ?? '' }),
    lookups: ['slug'],
    references: ['friends'],
    ...(kind === 'rows'
      ? {
          rows: {
            columns: {
              count: { type: 'integer', of: ({ count }) => count },
              slug_lower: { type: 'text', of: ({ slug }) => slug, sql: 'lower($value)' },
            },
            indexes: ['(count)'],
          },
        }
      : {}),
  });
}

/** What the runtime registers for a projection. */
export function registrationOf(projection: Projection): Registration {
  return { consumer: viewName(projection), fingerprint: fingerprint(projection), projection };
}

export const START: Position = at(0);

/** The position of event `number` of a log. */
export function at(number: number): Position {
  return `testtest.${number.toString(16).padStart(16, '0')}`;
}

/** Makes a view of its own and claims it. */
export async function claimed({ adapter, it }: StoreFixture, owner = 'one'): Promise<Claim> {
  const projection = projectionOf(adapter.kind);
  for (const store of [it().store, it().other]) await store.prepare([registrationOf(projection)], START);
  return claimOf(it().store, viewName(projection), owner);
}

/** Claims a lease that must be free. */
export async function claimOf(store: ViewStore, consumer: string, owner: string): Promise<Claim> {
  const claim = await store.claim(consumer, owner, 60_000);
  if (!claim) throw new Error(`${consumer} is taken`);
  return claim;
}

/** Writes of a batch; what is not given is empty. */
export function writes(
  some: { upserts?: Record<string, object> } & Partial<Omit<Writes, 'upserts'>>,
): Writes {
  return {
    deletes: [],
    parked: [],
    positions: new Map(),
    ...some,
    upserts: new Map(Object.entries(some.upserts ?? {})),
  };
}
