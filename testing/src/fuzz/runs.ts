/** How much is fuzzed, and how a failure is run again. */
import type { Parameters } from 'fast-check';
import { fuzzPath, fuzzSeed } from '../config.ts';
import { counts } from '../guarantees/counts.ts';

/**
 * fast-check's parameters: `small` runs, or `full` ones under `npm run prove`. A failure prints its seed and path; given
 * back as `ANNALS_FUZZ_SEED` and `ANNALS_FUZZ_PATH` (with `-t` for the one test) it is tried first.
 */
export function runs<Values>(small: number, full: number): Parameters<Values> {
  return {
    numRuns: counts(small, full),
    ...(fuzzSeed === undefined ? {} : { seed: fuzzSeed }),
    ...(fuzzPath === undefined ? {} : { path: fuzzPath }),
  };
}
