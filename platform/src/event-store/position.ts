/** Positions of adapters that number the events of a log: `<log id>.<number in 16 hex digits>`. */
import { position as schema } from '@annals/contracts/kit/primitives';
import { type Position, UnknownPosition } from './port.ts';

const DIGITS = 16;

/** The position after `number` events of the log; 0 is the start. `log`: 8 characters of base 36. */
export function formatPosition(log: string, number: number): Position {
  return `${log}.${number.toString(16).padStart(DIGITS, '0')}`;
}

/** The number in a position of `log`. Throws {@link UnknownPosition} for any other text. */
export function parsePosition(log: string, position: Position): number {
  const number = Number.parseInt(position.slice(log.length + 1), 16);
  if (!schema.safeParse(position).success || !Number.isSafeInteger(number)) {
    throw new UnknownPosition('not a position');
  }
  if (formatPosition(log, number) !== position) throw new UnknownPosition(`not a position of the log ${log}`);
  return number;
}

/** Negative, 0 or positive as `left` is before, at or after `right`. Both must be of one log. */
export function comparePositions(left: Position, right: Position): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** How far `position` is on the way from `from` to `to`, 0 to 1, as far as the numbers in positions tell. */
export function progressBetween(from: Position, position: Position, to: Position): number {
  const [first, at, last] = [from, position, to].map((one) =>
    Number.parseInt(one.slice(one.indexOf('.') + 1), 16),
  );
  const length = (last ?? 0) - (first ?? 0);
  return length > 0 ? Math.min(1, Math.max(0, ((at ?? 0) - (first ?? 0)) / length)) : 1;
}
