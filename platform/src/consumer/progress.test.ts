import { describe, expect, test } from 'vitest';
import { createKnownProgress } from './known-progress.ts';
import { type Announcement, changedOf, joined, parsePayload, payloads } from './progress.ts';

const at = (number: number) => `testtest.${number.toString(16).padStart(16, '0')}`;

describe('announcements', () => {
  test('fit into NOTIFY, however many there are, and come back in order', () => {
    const all = Array.from(
      { length: 500 },
      (_, index): Announcement => [`consumer_${index}_v1`, at(index), at(index + 1)],
    );
    const sent = payloads(all);
    expect(sent.length).toBeGreaterThan(1);
    for (const payload of sent) expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(7_900);
    expect(sent.flatMap(parsePayload)).toEqual(all);
    expect(payloads([])).toEqual([]);
  });
});

describe('X5 what changed', () => {
  const keys = (from: number, count: number) => Array.from({ length: count }, (_, n) => `key-${from + n}`);

  test('is told together, one batch after the other', () => {
    const one: Announcement = ['view', at(5), at(6), [at(3), 'a', 'b']];
    expect(joined(undefined, one)).toEqual(one);
    expect(joined(one, ['view', at(8), at(8), [at(5), 'b', 'c']])).toEqual([
      'view',
      at(8),
      at(8),
      [at(3), 'a', 'b', 'c'],
    ]);
    expect(joined(one, ['view', at(5), at(9)])).toEqual(['view', at(5), at(9), [at(3), 'a', 'b']]);
  });

  test('is not told where it is too much, or not known', () => {
    const one: Announcement = ['view', at(5), at(6), [at(3), ...keys(0, 60)]];
    expect(joined(one, ['view', at(8), at(8), [at(5), ...keys(60, 60)]])).toEqual(['view', at(8), at(8)]);
    expect(joined(one, ['view', at(8), at(8)])).toEqual(['view', at(8), at(8)]);
    expect(joined(['view', at(5), at(6)], ['view', at(8), at(8), [at(5), 'a']])).toEqual([
      'view',
      at(8),
      at(8),
      [at(5), 'a'],
    ]);
    expect(changedOf(at(1), new Set(keys(0, 101)))).toBeUndefined();
    expect(changedOf(at(1), new Set(['a']))).toEqual([at(1), 'a']);
    const long: Announcement = [
      'view',
      at(5),
      at(6),
      [at(3), ...keys(0, 90).map((key) => key.padEnd(100, 'x'))],
    ];
    expect(payloads([long]).flatMap(parsePayload)).toEqual([['view', at(5), at(6)]]);
  });
});

describe('what a reader may claim', () => {
  test('is what was announced, where it has read the checkpoint that was announced with it', () => {
    const known = createKnownProgress();
    known.learn([['view', at(5), at(9)]]);
    expect(known.claimable('view', at(5), at(5))).toBe(at(9));
    expect(known.claimable('view', at(10), at(10))).toBe(at(10));
  });

  test('is what it has read, where that is before the announced checkpoint', () => {
    const known = createKnownProgress();
    known.learn([['view', at(5), at(9)]]);
    expect(known.claimable('view', at(4), at(4))).toBe(at(4));
    expect(known.claimable('view', at(3), at(4))).toBe(at(4));
    expect(known.claimable('other', at(5), at(5))).toBe(at(5));
  });

  test('never shrinks by old news', () => {
    const known = createKnownProgress();
    known.learn([['view', at(5), at(9)]]);
    known.learn([['view', at(5), at(7)]]);
    expect(known.claimable('view', at(5), at(5))).toBe(at(9));
    expect(known.covers(['view'], at(9))).toBe(true);
    expect(known.covers(['view', 'other'], at(1))).toBe(false);
  });
});
