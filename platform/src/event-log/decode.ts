/** Stored events on their way out of the log: personal fields opened, old versions upcast. */
import type { Catalogue, CatalogueEntry } from '@annals/contracts/catalogue';
import { type DomainEvent, type EventMetadata, upcast } from '@annals/contracts/kit/event';
import { ERASED } from '@annals/contracts/kit/personal';
import type { StoredEvent } from '../event-store/port.ts';
import { isSealed, openField, type SealedField } from '../privacy/cipher.ts';
import { type KeyStore, type SubjectKey, UnreadablePersonalData } from '../privacy/port.ts';
import { UndecodableEvent } from './log.ts';

type Data = Readonly<Record<string, unknown>>;

/** An event that this release knows, with what is sealed in it. */
interface Legible {
  readonly event: StoredEvent & { readonly data: Data; readonly metadata: EventMetadata };
  readonly entry: CatalogueEntry;
  readonly sealed: readonly (readonly [field: string, value: SealedField])[];
}

/** The decodable beginning of a run of events, and why it ends there, if it does. */
export interface Decoded {
  readonly events: DomainEvent[];
  readonly failure?: UndecodableEvent;
}

/**
 * Gives the function that decodes a run of events; the keys of all of them come in one round trip. Data of the newest
 * version was checked when this log's `append` wrote it and is not checked again (that would cost as much as parsing
 * its JSON); data of older versions is checked after upcasting.
 */
export function createDecoder(catalogue: Catalogue, keys: KeyStore) {
  return async (stored: readonly StoredEvent[]): Promise<Decoded> => {
    const legible: Legible[] = [];
    const failure = firstFailure(stored, (event) => legible.push(inspect(event, catalogue)));
    const subjects = new Set(legible.flatMap(({ sealed }) => sealed.map(([, { subject }]) => subject)));
    const keyOf = subjects.size === 0 ? new Map<string, SubjectKey>() : await keys.read([...subjects]);
    const events: DomainEvent[] = [];
    const earlier = firstFailure(legible, (one) => events.push(toNewest(open(one, keyOf), one.entry)));
    const first = earlier ?? failure;
    return first ? { events, failure: first } : { events };
  };
}

/** Applies `step` to each item until one is undecodable; gives that error. Others pass through. */
function firstFailure<Item>(
  items: readonly Item[],
  step: (item: Item) => unknown,
): UndecodableEvent | undefined {
  try {
    for (const item of items) step(item);
    return undefined;
  } catch (error) {
    if (error instanceof UndecodableEvent) return error;
    throw error;
  }
}

function inspect(stored: StoredEvent, catalogue: Catalogue): Legible {
  const entry = catalogue.get(stored.type);
  if (!entry) throw new UndecodableEvent(stored.position, 'newer', `the catalogue has no ${stored.type}`);
  const event = stored as Legible['event'];
  const version: unknown = event.metadata.schemaVersion;
  if (typeof version !== 'number' || version < 1) {
    throw new UndecodableEvent(stored.position, 'broken', `${stored.type} has no version`);
  }
  if (version > entry.version) {
    throw new UndecodableEvent(
      stored.position,
      'newer',
      `${stored.type} is of version ${version}, known is ${entry.version}`,
    );
  }
  // An older version may have had other personal fields, so all of its fields are looked at.
  const fields = version === entry.version ? entry.personalFields : Object.keys(event.data);
  return {
    event,
    entry,
    sealed: fields.flatMap((field) => {
      const value = event.data[field];
      return isSealed(value) ? [[field, value] as const] : [];
    }),
  };
}

function open({ event, sealed }: Legible, keys: ReadonlyMap<string, SubjectKey>): Legible['event'] {
  if (sealed.length === 0) return event;
  const data: Record<string, unknown> = { ...event.data };
  for (const [field, value] of sealed) {
    const key = keys.get(value.subject);
    if (!key)
      throw new UnreadablePersonalData(`${field} of event ${event.id} is sealed, but its key is missing`);
    data[field] =
      key.state === 'destroyed' ? ERASED : openField(key.key, value, { eventId: event.id, field });
  }
  return { ...event, data };
}

function toNewest(event: Legible['event'], entry: CatalogueEntry): DomainEvent {
  const { schemaVersion } = event.metadata;
  if (schemaVersion === entry.version) return event;
  try {
    const data = upcast(entry, schemaVersion, event.data);
    return { ...event, data, metadata: { ...event.metadata, schemaVersion: entry.version } };
  } catch (cause) {
    const message = `${event.type} of version ${schemaVersion} can not be upcast`;
    throw new UndecodableEvent(event.position, 'broken', message, cause);
  }
}
