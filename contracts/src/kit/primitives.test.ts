import { describe, expect, it } from 'vitest';
import { isCleanText, position, text, timestamp, timestampInput } from './primitives.ts';

describe('text', () => {
  it('trims, and counts what is left', () => {
    expect(text(2, 5).parse('  abc  ')).toBe('abc');
    expect(text(2, 5).safeParse(' a ').success).toBe(false);
    expect(text(2, 5).safeParse('abcdef').success).toBe(false);
  });

  it('keeps what people write, and refuses what stores and clients can not hold', () => {
    for (const good of ['Ünïcode 漢字 😀', 'two\nlines\ttabbed', '\u200d'])
      expect(isCleanText(good)).toBe(true);
    for (const bad of [
      'nul\u0000',
      'bell\u0007',
      'del\u007f',
      'lone\ud800',
      'lone\udc00 low',
      '\udc00\ud800',
    ]) {
      expect(isCleanText(bad)).toBe(false);
      expect(text(0, 100).safeParse(`a${bad}a`).success).toBe(false);
    }
  });
});

describe('times', () => {
  it('are stored in UTC with milliseconds, and nothing else', () => {
    expect(timestamp.safeParse('2026-11-22T10:00:00.000Z').success).toBe(true);
    for (const bad of [
      '2026-11-22T10:00:00Z',
      '2026-11-22T10:00:00.000+01:00',
      '2026-11-22',
      '2026-13-22T10:00:00.000Z',
      'now',
    ]) {
      expect(timestamp.safeParse(bad).success).toBe(false);
    }
  });

  it('may be written with any offset and precision', () => {
    expect(timestampInput.parse('2026-11-22T11:00:00+01:00')).toBe('2026-11-22T10:00:00.000Z');
    expect(timestampInput.parse('2026-11-22T10:00:00.123456Z')).toBe('2026-11-22T10:00:00.123Z');
    for (const bad of ['2026-11-22', '2026-11-22T10:00:00', '2026-02-30T10:00:00Z'])
      expect(timestampInput.safeParse(bad).success).toBe(false);
  });

  it('are of years that every store holds, in UTC', () => {
    for (const edge of ['0001-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'])
      expect(timestampInput.parse(edge)).toBe(edge);
    for (const bad of [
      '0000-12-31T23:59:59Z',
      '0001-01-01T00:00:00+00:01',
      '9999-12-31T23:59:59-01:00',
      '9999-12-31T24:00:00Z',
    ])
      expect(timestampInput.safeParse(bad).success).toBe(false);
  });
});

describe('positions', () => {
  it('are a log’s id and a place in it', () => {
    expect(position.safeParse('abcd1234.00000000000000ff').success).toBe(true);
    for (const bad of ['', '12', 'abcd1234.', 'abcd1234.00000000000000FF', 'abcd1234.zz'])
      expect(position.safeParse(bad).success).toBe(false);
  });
});
