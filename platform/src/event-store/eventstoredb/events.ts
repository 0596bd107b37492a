/** Events on their way to EventStoreDB and back. */
import type { EventData, ResolvedEvent } from '@eventstore/db-client';
import type { EncodedEvent } from '../appends.ts';
import type { StoredEvent } from '../port.ts';
import { UnreadableRecord } from './errors.ts';
import { isPlace, type Place, printPlace } from './places.ts';

/** The stream that tells the log's id. Its events are the adapter's own: no reader of the log is shown them. */
export const LOG_STREAM = 'annals-log';

/** An event as the client gives it. */
export type Recorded = NonNullable<ResolvedEvent['event']>;

/**
 * An event as the client takes it. Text goes as bytes: what the client gives as text would be data that it could not
 * parse. So does metadata, of which the client drops what is falsy.
 */
export function toEventData({ id, type, data, metadata }: EncodedEvent): EventData {
  const value: unknown = JSON.parse(data);
  const metadataBytes = new Uint8Array(Buffer.from(metadata));
  return typeof value === 'string'
    ? {
        id,
        type,
        contentType: 'application/octet-stream',
        data: new Uint8Array(Buffer.from(data)),
        metadata: metadataBytes,
      }
    : { id, type, contentType: 'application/json', data: value as never, metadata: metadataBytes };
}

/** True for what only the server or the adapter wrote. */
export function isOfSystem({ type, streamId }: Recorded): boolean {
  return type.startsWith('$') || streamId === LOG_STREAM;
}

/** The event in a record. Throws {@link UnreadableRecord} where data or metadata is not JSON, or the place is missing. */
export function toStoredEvent(log: string, record: Recorded): StoredEvent {
  return {
    id: record.id,
    type: record.type,
    data: dataOf(record),
    metadata: metadataOf(record),
    stream: record.streamId,
    revision: Number(record.revision),
    position: printPlace(log, placeOf(record)),
  };
}

/** Where a record lies. */
export function placeOf(record: Recorded): Place {
  if (isPlace(record.position)) return record.position;
  throw new UnreadableRecord(
    `${nameOf(record)} has no position: EventStoreDB 22.6 is the oldest that tells them`,
  );
}

/** The record of an answer to a read. */
export function recordOf({ event }: ResolvedEvent): Recorded {
  if (event) return event;
  throw new UnreadableRecord('the server answered a read without an event');
}

function dataOf(record: Recorded): unknown {
  const { isJson, data } = record;
  if (data instanceof Uint8Array) return parse(record, data);
  if (isJson && typeof data === 'string')
    throw new UnreadableRecord(`the data of ${nameOf(record)} is not JSON`);
  return data;
}

function metadataOf(record: Recorded): unknown {
  const { metadata } = record;
  if (metadata instanceof Uint8Array) return parse(record, metadata);
  if (metadata === undefined) throw new UnreadableRecord(`${nameOf(record)} has no metadata`);
  return metadata;
}

function parse(record: Recorded, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw new UnreadableRecord(`${nameOf(record)} is not JSON`, { cause });
  }
}

function nameOf({ streamId, revision }: Recorded): string {
  return `${streamId}@${revision}`;
}
