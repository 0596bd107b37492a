/** How much is fuzzed, and how a failure is run again. */
import type { Parameters } from 'fast-check';
import { fuzzPath, fuzzSeed } from '../config.ts';
import { counts } from '../guarantees/counts.ts';

/** A property ends after this time, with as many runs as it made, or with the shortest failure found so far. */
const SMALL_MS = 40_000;
const FULL_MS = 20 * 60_000;
/** For the test of a property. */
export const FUZZ_TIMEOUT_MS = counts(SMALL_MS, FULL_MS) * 3;

/**
 * fast-check's parameters: `small` runs, or `full` ones under `npm run prove`. A failure prints its seed and path; given
 * back as `ANNALS_FUZZ_SEED` and `ANNALS_FUZZ_PATH` (with `-t` for the one test) it is tried first.
 */
export function runs<Values>(small: number, full: number): Parameters<Values> {
  return {
    numRuns: counts(small, full),
    interruptAfterTimeLimit: counts(SMALL_MS, FULL_MS),
    ...(fuzzSeed === undefined ? {} : { seed: fuzzSeed }),
    ...(fuzzPath === undefined ? {} : { path: fuzzPath }),
  };
}
