/** Gives those of `names` that it was given at every call for `ageMs`. */
export type Sightings = (names: readonly string[], ageMs: number) => readonly string[];

/** Has seen nothing yet. */
export function createSightings(): Sightings {
  let since: ReadonlyMap<string, number> = new Map();
  return (names, ageMs) => {
    const now = performance.now();
    since = new Map(names.map((name) => [name, since.get(name) ?? now]));
    return [...since].flatMap(([name, at]) => (now - at >= ageMs ? [name] : []));
  };
}
