/** The same in random order. */
export function shuffled<One>(all: readonly One[]): One[] {
  return all
    .map((one) => ({ one, order: Math.random() }))
    .toSorted((first, second) => first.order - second.order)
    .map(({ one }) => one);
}
