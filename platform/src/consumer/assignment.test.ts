import { describe, expect, test } from 'vitest';
import { assign } from './assignment.ts';
import type { Candidate } from './store.ts';

function candidates(owners: Readonly<Record<string, readonly string[]>>): readonly Candidate[] {
  return Object.entries(owners).flatMap(([owner, consumers]) =>
    consumers.map((consumer) => ({ consumer, owner })),
  );
}

describe('consumers', () => {
  const all = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

  test('are shared out evenly, and every replica computes the same', () => {
    const list = candidates({ one: all, two: all, three: all });
    const assignment = assign(list);
    expect(assign(list.toReversed())).toEqual(assignment);
    const loads = ['one', 'two', 'three'].map(
      (owner) => [...assignment.values()].filter((one) => one === owner).length,
    );
    expect(loads.sort()).toEqual([2, 2, 3]);
  });

  test('that only one replica can run go to that one, and the others take the rest', () => {
    const assignment = assign(candidates({ old: ['a_v1', 'b', 'c'], new: ['a_v2', 'd_v2', 'b', 'c'] }));
    expect(Object.fromEntries(assignment)).toMatchObject({ a_v1: 'old', a_v2: 'new', d_v2: 'new', b: 'old' });
    expect(assignment.size).toBe(5);
  });
});
