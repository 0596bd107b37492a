import { TooManyParked } from './errors.ts';

/** Tells bad data from a bad release: the former poisons few keys, the latter all. */
export interface ParkingLimit {
  /** Throws {@link TooManyParked} where `keys` more are too many, and from then on always: a new release starts anew. */
  check(keys: number): void;
  /** Counts keys that were parked. */
  count(keys: number): void;
}

/** At most `max` newly parked keys within `windowMs`, of one generation: what another one meets says nothing of it. */
export function createParkingLimit(
  max = 100,
  windowMs = 60_000,
  now: () => number = () => performance.now(),
): ParkingLimit {
  let recent: { readonly at: number; readonly keys: number }[] = [];
  let isExceeded = false;
  return {
    check(keys) {
      if (keys === 0) return;
      recent = recent.filter(({ at }) => at > now() - windowMs);
      const total = recent.reduce((sum, entry) => sum + entry.keys, keys);
      isExceeded ||= total > max;
      if (isExceeded) throw new TooManyParked(`${total} keys poisoned within ${windowMs / 1_000} s`);
    },
    count(keys) {
      if (keys > 0) recent.push({ at: now(), keys });
    },
  };
}
