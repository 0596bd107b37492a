/** What a guarantee's test tells of itself, for the table at the end of the run. */
import { TestRunner } from 'vitest';
import type { FiredFault } from '../faults/plan.ts';

export type Facts = Readonly<Record<string, number | string>>;

declare module 'vitest' {
  interface TaskMeta {
    /** Set by {@link report}. */
    guarantee?: { readonly number: number; readonly facts: Facts };
  }
}

/** Adds facts to the line of guarantee `number`. Call it in a test, any number of times: later facts of one name win. */
export function report(number: number, facts: Facts): void {
  const test = TestRunner.getCurrentTest();
  if (!test) throw new Error('there is no test that runs');
  test.meta.guarantee = { number, facts: { ...test.meta.guarantee?.facts, ...facts } };
}

/** How many crashes fell at which point, e.g. `{ 'crashes read': 34 }`. */
export function crashesByPoint(fired: readonly FiredFault[]): Facts {
  const byPoint: Record<string, number> = {};
  for (const { point } of fired) byPoint[`crashes ${point}`] = (byPoint[`crashes ${point}`] ?? 0) + 1;
  return byPoint;
}
