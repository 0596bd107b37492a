import { position as schema } from '@annals/contracts/kit/primitives';
import { describe, expect, test } from 'vitest';
import { UnknownPosition } from './port.ts';
import { comparePositions, formatPosition, parsePosition } from './position.ts';

const LOG = '0az9bc12';
const NUMBERS = [0, 1, 9, 10, 15, 16, 255, 4_294_967_296, Number.MAX_SAFE_INTEGER];

describe('positions', () => {
  test('are what the contracts call a position and give their number back', () => {
    for (const number of NUMBERS) {
      const position = formatPosition(LOG, number);
      expect(schema.safeParse(position).success).toBe(true);
      expect(parsePosition(LOG, position)).toBe(number);
    }
  });

  test('sort as text in the order of their numbers', () => {
    const positions = NUMBERS.map((number) => formatPosition(LOG, number));
    expect([...positions].sort()).toEqual(positions);
    expect([...positions].reverse().sort(comparePositions)).toEqual(positions);
    expect(comparePositions(positions[1] ?? '', positions[1] ?? '')).toBe(0);
  });

  test.each([
    '',
    'start',
    LOG,
    `${LOG}.`,
    `${LOG}.1`,
    `${LOG}.000000000000000G`,
    `${LOG}.000000000000000A`,
    `${LOG}.0000000000000001 `,
    `${LOG}.ffffffffffffffff`,
    `${LOG}.00000000000000000000000000000001`,
    `${LOG}-0000000000000001`,
    '0az9bc13.0000000000000001',
  ])('%j is refused', (text) => {
    expect(() => parsePosition(LOG, text)).toThrow(UnknownPosition);
  });
});
