/** What has been acknowledged: each aspect of the world has versions 1, 2, 3, …, each at a position of the log. */

/** Something that changes in steps and is shown by queries. Every step makes its number one greater. */
export const aspects = [
  'title',
  'name',
  'comments',
  'likes',
  'followers',
  'published',
  'registered',
  'category',
] as const;
export type Aspect = (typeof aspects)[number];

export class Ledger {
  readonly #positions = new Map<Aspect, string[]>(aspects.map((aspect) => [aspect, []]));

  /** The next version of `aspect` was acknowledged. */
  record(aspect: Aspect, position: string): void {
    this.#of(aspect).push(position);
  }

  /** The newest version acknowledged; 0 where there was none. */
  newest(aspect: Aspect): number {
    return this.#of(aspect).length;
  }

  /** Where version `number` of `aspect` was written. */
  positionOf(aspect: Aspect, number: number): string | undefined {
    return this.#of(aspect)[number - 1];
  }

  /** Which version whoever has seen the log up to `position` has to show, or a later one. */
  owedAt(aspect: Aspect, position: string): number {
    return this.#of(aspect).findLastIndex((written) => written <= position) + 1;
  }

  #of(aspect: Aspect): string[] {
    return this.#positions.get(aspect) ?? [];
  }
}
