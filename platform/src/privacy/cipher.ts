/** How single fields of an event are encrypted: each on its own, bound to its event, its name and its person. */
import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { decrypt, encrypt } from './aead.ts';
import { UnreadablePersonalData } from './port.ts';

/** Where a value stands; a sealed value opens nowhere else. */
export interface FieldPlace {
  readonly eventId: string;
  readonly field: string;
}

/** An encrypted value in the log. It says whose it is, so it opens without knowing the event's type. */
const sealedField = z.strictObject({ sealed: z.literal(1), subject: z.string(), box: z.base64() });
export type SealedField = z.infer<typeof sealedField>;

/** Encrypts a JSON value with its subject's key. */
export function sealField(key: KeyObject, subject: string, value: unknown, place: FieldPlace): SealedField {
  const box = encrypt(key, Buffer.from(JSON.stringify(value)), contextOf(place, subject));
  return { sealed: 1, subject, box: box.toString('base64') };
}

/** True for what {@link sealField} made. */
export function isSealed(value: unknown): value is SealedField {
  return (
    typeof value === 'object' && value !== null && 'sealed' in value && sealedField.safeParse(value).success
  );
}

/** The value again. Throws {@link UnreadablePersonalData} where it was sealed with another key or at another place. */
export function openField(key: KeyObject, field: SealedField, place: FieldPlace): unknown {
  try {
    return JSON.parse(
      decrypt(key, Buffer.from(field.box, 'base64'), contextOf(place, field.subject)).toString('utf8'),
    );
  } catch (cause) {
    throw new UnreadablePersonalData(`${place.field} of event ${place.eventId} does not open`, { cause });
  }
}

function contextOf({ eventId, field }: FieldPlace, subject: string): string {
  return JSON.stringify([eventId, field, subject]);
}
