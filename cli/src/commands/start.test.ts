import { expect, test } from 'vitest';
import { limits } from './start.ts';

test('the limits that a start announces are those of the local profile', () => {
  expect(limits()).toContain('6000 reads, 1200 writes, 60 log-ins, 600 refreshes');
});
