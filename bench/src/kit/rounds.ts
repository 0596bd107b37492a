/** Comparing variants on a machine that is never quiet: they take turns, round after round, and medians are told. */

/** One way to do the work. */
export interface Variant {
  readonly name: string;
  /** Works for about `ms` milliseconds; gives what it got done per second (or any figure of which ratios make sense). */
  run(ms: number): Promise<number>;
}

export interface RoundOptions {
  readonly rounds: number;
  /** Each variant once, before the first round, unmeasured. */
  readonly warmUpMs: number;
  readonly runMs: number;
  /** Told before each run, e.g. `2/5 raw`. */
  readonly say?: (text: string) => void;
}

/** The median of several figures, with all of them in the order they were taken. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly each: readonly number[];
}

export interface Measurements {
  of(name: string): Summary;
  /** `name`'s figure divided by that of `other` in the same round. Several others: by the smallest of theirs. */
  ratio(name: string, ...others: readonly string[]): Summary;
}

/** Runs the variants by turns, every other round in reverse, so that none always comes first. */
export async function interleaved(
  variants: readonly Variant[],
  { rounds, warmUpMs, runMs, say = () => undefined }: RoundOptions,
): Promise<Measurements> {
  const figures = new Map<string, number[]>(variants.map(({ name }) => [name, []]));
  for (const variant of variants) {
    say(`warm-up ${variant.name}`);
    await variant.run(warmUpMs);
  }
  for (let round = 1; round <= rounds; round++) {
    for (const variant of round % 2 === 0 ? variants.toReversed() : variants) {
      say(`${round}/${rounds} ${variant.name}`);
      figures.get(variant.name)?.push(await variant.run(runMs));
    }
  }
  const each = (name: string): readonly number[] => {
    const found = figures.get(name);
    if (!found) throw new Error(`no variant is called ${name}`);
    return found;
  };
  return {
    of: (name) => summarise(each(name)),
    ratio: (name, ...others) =>
      summarise(
        each(name).map(
          (figure, round) => figure / Math.min(...others.map((other) => each(other)[round] ?? 0)),
        ),
      ),
  };
}

/** Throws where there is no figure. */
export function summarise(each: readonly number[]): Summary {
  const sorted = each.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const median =
    ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
  if (Number.isNaN(median)) throw new Error('there is nothing to summarise');
  return { median, min: Math.min(...each), max: Math.max(...each), each };
}

/** `18.2k`, `940`, `3.4`: short enough for a table. */
function short(figure: number): string {
  if (figure >= 1e6) return `${(figure / 1e6).toFixed(2)}M`;
  if (figure >= 1e4) return `${(figure / 1e3).toFixed(1)}k`;
  return figure >= 100 ? figure.toFixed(0) : figure.toFixed(figure >= 10 ? 1 : 2);
}

/** `18.2k/s [17.0k..19.1k]`. */
export function perSecond({ median, min, max }: Summary): string {
  return `${short(median)}/s [${short(min)}..${short(max)}]`;
}
