import { position as schema } from '@annals/contracts/kit/primitives';
import { describe, expect, test } from 'vitest';
import { UnknownPosition } from '../port.ts';
import { isPlace, parsePlace, printPlace } from './places.ts';

const LOG = '0az9bc12';
const NUMBERS = [0n, 1n, 15n, 16n, 255n, 4_294_967_296n, 2n ** 53n + 1n, 2n ** 63n - 1n];
const PLACES = NUMBERS.flatMap((commit) => NUMBERS.map((prepare) => ({ commit, prepare })));

describe('positions of EventStoreDB', () => {
  test('are what the contracts call a position and give commit and prepare back, however large', () => {
    for (const place of PLACES) {
      const position = printPlace(LOG, place);
      expect(schema.safeParse(position).success).toBe(true);
      expect(parsePlace(LOG, position)).toEqual(place);
    }
  });

  test('sort as text in log order: by commit, then by prepare', () => {
    const positions = PLACES.map((place) => printPlace(LOG, place));
    expect([...positions].sort()).toEqual(positions);
    expect(new Set(positions.map((position) => position.length)).size).toBe(1);
  });

  test.each([
    '',
    'start',
    `${LOG}.`,
    `${LOG}.0000000000000001`,
    `${LOG}.${'0'.repeat(31)}G`,
    `${LOG}.${'0'.repeat(31)}A`,
    `${LOG}.${'f'.repeat(32)}`,
    `${LOG}.${'0'.repeat(33)}`,
    `0az9bc13.${'0'.repeat(32)}`,
  ])('%j is refused', (text) => {
    expect(() => parsePlace(LOG, text)).toThrow(UnknownPosition);
  });

  test('the largest number of the server is no place', () => {
    expect(isPlace({ commit: 2n ** 64n - 1n, prepare: 2n ** 64n - 1n })).toBe(false);
    expect(isPlace(undefined)).toBe(false);
  });
});
