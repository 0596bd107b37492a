import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createSightings } from './sightings.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a name counts once it was there at every look for long enough', () => {
  const seen = createSightings();
  expect(seen(['a', 'b'], 100)).toEqual([]);
  vi.advanceTimersByTime(60);
  expect(seen(['a'], 100)).toEqual([]);
  vi.advanceTimersByTime(60);
  expect(seen(['a', 'b'], 100)).toEqual(['a']);
  vi.advanceTimersByTime(99);
  expect(seen(['b'], 100)).toEqual([]);
});
