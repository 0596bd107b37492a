/** The event log over an event store, a catalogue of event types and a key store. */
import type { Catalogue } from '@annals/contracts/catalogue';
import type { EventStore, StoredEvent } from '../event-store/port.ts';
import type { KeyStore } from '../privacy/port.ts';
import { timed } from '../telemetry/query-time.ts';
import { createDecoder } from './decode.ts';
import { createEncoder } from './encode.ts';
import type { DomainEventBatch, EventLog, LogSubscription } from './log.ts';

export interface EventLogOptions {
  readonly store: EventStore;
  readonly catalogue: Catalogue;
  readonly keys: KeyStore;
  /** Whether appending makes the keys of people who have none yet: command-api alone. Default false. */
  readonly mayCreateKeys?: boolean;
}

/** Creates an event log. Closing the store is up to its owner. */
export function createEventLog({ store, catalogue, keys, mayCreateKeys = false }: EventLogOptions): EventLog {
  const encode = createEncoder(catalogue, mayCreateKeys ? keys.ensure : keys.read);
  const decode = createDecoder(catalogue, keys);

  async function* subscribe({ types, ...options }: LogSubscription): AsyncGenerator<DomainEventBatch> {
    for (const type of types)
      if (!catalogue.has(type)) throw new TypeError(`${type} is not in the catalogue`);
    const filter = (event: StoredEvent) => types.has(event.type);
    for await (const { events: stored, through, caughtUp } of store.subscribe({ ...options, filter })) {
      const { events, failure } = await decode(stored);
      if (!failure) {
        yield { events, through, caughtUp };
        continue;
      }
      const last = events.at(-1);
      if (last) yield { events, through: last.position, caughtUp: false };
      throw failure;
    }
  }

  return {
    async append(stream, events, expected) {
      const encoded = await encode(events);
      return timed(() => store.append(stream, encoded, expected));
    },
    async read(stream, { types, ...options } = {}) {
      const stored = await timed(() => store.read(stream, options));
      const { events, failure } = await decode(types ? stored.filter(({ type }) => types.has(type)) : stored);
      if (failure) throw failure;
      return events;
    },
    subscribe,
    head: () => store.head(),
    start: () => store.start(),
    check: (position) => store.check(position),
  };
}
