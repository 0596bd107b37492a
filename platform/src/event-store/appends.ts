/** What every adapter does to an append before it reaches the log. */
import { EventTooLarge, type ExpectedRevision, MAX_EVENT_BYTES, type NewEvent } from './port.ts';

/** An event whose data and metadata are JSON text. */
export interface EncodedEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

/** The events of one append. */
export interface EncodedEvents {
  readonly events: readonly EncodedEvent[];
  /** Of data, metadata and type together, in UTF-8. */
  readonly bytes: number;
}

/**
 * Encodes the events of an append. Throws {@link EventTooLarge}, and TypeError where there is nothing to append or
 * where data or metadata is not JSON (undefined, a function, a cycle).
 */
export function encodeEvents(events: readonly NewEvent[]): EncodedEvents {
  if (events.length === 0) throw new TypeError('an append needs at least one event');
  let total = 0;
  const encoded = events.map((event) => {
    const data = encode(event.data);
    const metadata = encode(event.metadata);
    const bytes = Buffer.byteLength(data) + Buffer.byteLength(metadata) + Buffer.byteLength(event.type);
    if (bytes > MAX_EVENT_BYTES) {
      throw new EventTooLarge(`${event.type} has ${bytes} bytes; ${MAX_EVENT_BYTES} are allowed`);
    }
    total += bytes;
    return { id: event.id, type: event.type, data, metadata };
  });
  return { events: encoded, bytes: total };
}

/** The revision that `expected` asks for: -1 for `none`, null for `any`. Throws TypeError for what is no revision. */
export function expectedLast(expected: ExpectedRevision): number | null {
  if (expected === 'any') return null;
  if (expected === 'none') return -1;
  if (!Number.isSafeInteger(expected) || expected < 0) throw new TypeError(`${expected} is not a revision`);
  return expected;
}

/** True where `found`, what the stream has at the place of an append, is that very append, made before. */
export function isSameAppend(found: readonly { id: string }[], events: readonly { id: string }[]): boolean {
  return found.length === events.length && found.every(({ id }, at) => id === events[at]?.id);
}

function encode(value: unknown): string {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError('data and metadata of an event must be JSON values');
  return text;
}
