/** Positions of EventStoreDB as the port prints them: `<log id>.<commit><prepare>`, 16 hex digits each. */
import { position as schema } from '@annals/contracts/kit/primitives';
import { type Position, UnknownPosition } from '../port.ts';

/** A place in the transaction log. Both numbers count: events of one transaction share `commit`. */
export interface Place {
  readonly commit: bigint;
  readonly prepare: bigint;
}

export const START_PLACE: Place = { commit: 0n, prepare: 0n };

const DIGITS = 16;
/** The server says "none" with the largest of its numbers. */
const NONE = 2n ** 63n;

/** The position of a place in a log. `log`: 8 characters of base 36. */
export function printPlace(log: string, { commit, prepare }: Place): Position {
  return `${log}.${hex(commit)}${hex(prepare)}`;
}

/** The place of a position of `log`. Throws {@link UnknownPosition} for any other text. */
export function parsePlace(log: string, position: Position): Place {
  const digits = position.slice(log.length + 1);
  if (!schema.safeParse(position).success || digits.length !== 2 * DIGITS) {
    throw new UnknownPosition('not a position');
  }
  const place = {
    commit: BigInt(`0x${digits.slice(0, DIGITS)}`),
    prepare: BigInt(`0x${digits.slice(DIGITS)}`),
  };
  if (!isPlace(place) || printPlace(log, place) !== position) {
    throw new UnknownPosition(`not a position of the log ${log}`);
  }
  return place;
}

/** True for a place that the server has told, as opposed to none. */
export function isPlace(place: Place | undefined): place is Place {
  return place !== undefined && place.commit < NONE && place.prepare < NONE;
}

export function isBefore(left: Place, right: Place): boolean {
  return left.commit < right.commit || (left.commit === right.commit && left.prepare < right.prepare);
}

function hex(value: bigint): string {
  return value.toString(16).padStart(DIGITS, '0');
}
