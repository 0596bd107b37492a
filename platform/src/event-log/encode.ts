/** Domain events on their way into the log: checked against the catalogue, personal fields sealed. */
import type { Catalogue, CatalogueEntry } from '@annals/contracts/catalogue';
import { eventMetadata } from '@annals/contracts/kit/event';
import { z } from 'zod';
import type { NewEvent } from '../event-store/port.ts';
import { sealField } from '../privacy/cipher.ts';
import type { KeyStore, SubjectKey } from '../privacy/port.ts';
import { type DomainEventInput, SubjectErased } from './log.ts';

type Data = Record<string, unknown>;

interface Checked {
  readonly event: NewEvent & { readonly data: Data };
  readonly subject: string | undefined;
  readonly entry: CatalogueEntry;
}

const writtenMetadata = eventMetadata.strict();

/** Gives the function that turns domain events into stored ones; the keys of one call come in one round trip. */
export function createEncoder(catalogue: Catalogue, keysOf: KeyStore['read']) {
  const schemas = new Map([...catalogue].map(([type, entry]) => [type, entry.data.strict()]));

  const check = ({ id, type, data, metadata }: DomainEventInput): Checked => {
    const entry = catalogue.get(type);
    const schema = schemas.get(type);
    if (!entry || !schema) throw new TypeError(`${type} is not in the catalogue`);
    const event = {
      id,
      type,
      data: demand(schema, data, type),
      metadata: demand(
        writtenMetadata,
        { ...metadata, schemaVersion: entry.version },
        `the metadata of ${type}`,
      ),
    };
    const isPersonal = entry.personalFields.some((field) => event.data[field] !== undefined);
    return {
      event,
      entry,
      subject: isPersonal && entry.subject ? String(event.data[entry.subject]) : undefined,
    };
  };

  return async (events: readonly DomainEventInput[]): Promise<NewEvent[]> => {
    const checked = events.map(check);
    const subjects = new Set(checked.flatMap(({ subject }) => subject ?? []));
    const keys = subjects.size === 0 ? new Map() : await keysOf([...subjects]);
    return checked.map((one) =>
      one.subject === undefined ? one.event : seal(one, one.subject, keys.get(one.subject)),
    );
  };
}

function seal({ event, entry }: Checked, subject: string, key: SubjectKey | undefined): NewEvent {
  if (!key) throw new Error(`${subject} has no key, and this service may not create one`);
  if (key.state === 'destroyed') throw new SubjectErased(subject);
  const data = { ...event.data };
  for (const field of entry.personalFields) {
    if (data[field] === undefined) continue;
    data[field] = sealField(key.key, subject, data[field], { eventId: event.id, field });
  }
  return { ...event, data };
}

function demand<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new TypeError(`${what} is not valid: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
