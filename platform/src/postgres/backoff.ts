const FIRST_MS = 50;
const LONGEST_MS = 2_000;

/**
 * How long to wait before a further attempt, in milliseconds: doubling from 50 ms to 2 s, with jitter, so that the
 * processes that lost one server do not return to it in step. `attempt` counts from 0.
 */
export function backoff(attempt: number): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt);
  return longest / 2 + (Math.random() * longest) / 2;
}
