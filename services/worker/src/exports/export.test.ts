import { expect, test } from 'vitest';
import { partsOf } from './export.task.ts';

test('I8 an export is cut between characters, and put together again it is the same', () => {
  const text = `{"a":"${'x😀'.repeat(50)}"}`;
  for (const length of [1, 2, 3, 7, 1_000]) {
    const parts = partsOf(text, length);
    expect(parts.join('')).toBe(text);
    for (const part of parts) expect(Buffer.from(part).toString()).toBe(part);
  }
});
