import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type PushLine, Ring } from './ring.ts';

const position = (n: number) => `abcdefgh.${n.toString(16).padStart(16, '0')}`;
const line = (n: number, channel = 'articles'): PushLine => ({
  channel,
  position: position(n),
  frame: `line ${n}`,
  changesVisibility: false,
});
const positions = (lines: readonly PushLine[] | null) =>
  lines?.map((entry) => Number.parseInt(entry.position.slice(9), 16)) ?? null;

describe('Ring', () => {
  test('gives a channel’s lines after a position, in order, to the limit', () => {
    const ring = new Ring(position(0), { lines: 100, size: 10_000 });
    for (let n = 1; n <= 10; n++) ring.push(line(n, n % 2 ? 'odd' : 'even'));
    expect(positions(ring.after('odd', position(0), 100))).toEqual([1, 3, 5, 7, 9]);
    expect(positions(ring.after('odd', position(3), 2))).toEqual([5, 7]);
    expect(positions(ring.after('odd', position(4), 1))).toEqual([5]);
    expect(positions(ring.after('even', position(10), 100))).toEqual([]);
    expect(ring.after('unknown', position(0), 100)).toEqual([]);
  });

  test('an event’s lines share their position', () => {
    const ring = new Ring(position(0), { lines: 100, size: 10_000 });
    for (const channel of ['articles', 'article:1']) ring.push(line(1, channel));
    expect(positions(ring.after('articles', position(0), 9))).toEqual([1]);
    expect(positions(ring.after('article:1', position(0), 9))).toEqual([1]);
  });

  test('knows what it does not hold: before its start, and what has been dropped', () => {
    const ring = new Ring(position(5), { lines: 3, size: 10_000 });
    expect(ring.after('articles', position(4), 9)).toBeNull();
    for (let n = 6; n <= 10; n++) ring.push(line(n));
    expect(ring.start).toBe(position(7));
    expect(ring.after('articles', position(6), 9)).toBeNull();
    expect(ring.after('other', position(6), 9)).toBeNull();
    expect(positions(ring.after('articles', position(7), 9))).toEqual([8, 9, 10]);
  });

  test('is bounded in size as well as in lines', () => {
    const ring = new Ring(position(0), { lines: 100, size: 20 });
    for (let n = 1; n <= 9; n++) ring.push(line(n));
    expect(positions(ring.after('articles', ring.start, 100))).toEqual([7, 8, 9]);
  });

  test('agrees with a plain list, whatever is pushed', () => {
    const pushes = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 400 });
    fc.assert(
      fc.property(pushes, fc.integer({ min: 1, max: 50 }), fc.nat(400), (channels, limit, since) => {
        const ring = new Ring(position(0), { lines: limit, size: 1e9 });
        const all = channels.map((channel, n) => line(n + 1, channel));
        for (const entry of all) ring.push(entry);
        const kept = all.slice(-limit);
        const start = all.length > limit ? all.length - limit : 0;
        expect(ring.start).toBe(position(start));
        const expected = kept
          .filter(({ channel }) => channel === 'a')
          .filter((entry) => entry.position > position(since));
        expect(ring.after('a', position(since), 1000)).toEqual(since < start ? null : expected);
      }),
      { numRuns: 200 },
    );
  });
});
