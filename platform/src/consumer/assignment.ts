import type { Candidate } from './store.ts';

/**
 * Who should run which consumer: each goes to the least loaded of its candidates. Whoever computes it from the same
 * candidates gets the same answer, so replicas agree without talking. Consumer → owner.
 */
export function assign(candidates: readonly Candidate[]): ReadonlyMap<string, string> {
  const ownersOf = new Map<string, string[]>();
  for (const { consumer, owner } of candidates)
    ownersOf.set(consumer, [...(ownersOf.get(consumer) ?? []), owner]);
  const load = new Map<string, number>();
  const assignment = new Map<string, string>();
  // Those with the fewest candidates choose first: they have the least choice.
  const order = [...ownersOf].sort(([a, of], [b, others]) => of.length - others.length || (a < b ? -1 : 1));
  for (const [consumer, owners] of order) {
    const [chosen] = owners.sort((a, b) => (load.get(a) ?? 0) - (load.get(b) ?? 0) || (a < b ? -1 : 1));
    if (chosen === undefined) continue;
    assignment.set(consumer, chosen);
    load.set(chosen, (load.get(chosen) ?? 0) + 1);
  }
  return assignment;
}
