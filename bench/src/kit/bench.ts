/** What a `*.bench.ts` file exports: a measurement, with what it is measured against in the same run. */
import type { BenchPostgres } from './postgres.ts';

/** A line of the table. */
export interface Row {
  /** What was measured. */
  readonly what: string;
  /** The limit or rival that was measured in the same run; `–` where there is none. */
  readonly against: string;
  /** Both figures, for people: `18.2k/s vs 20.1k/s`. */
  readonly measured: string;
  /** Of what was measured to what it is measured against; null where the goal is an absolute figure. */
  readonly ratio: number | null;
  /** For people: `≥ 85 %`; `–` where the row is only told. */
  readonly goal: string;
  /** Null for rows without a goal. */
  readonly isMet: boolean | null;
}

/** What a bench gets from the runner. Everything opened here is closed when the bench is over, last opened first. */
export interface BenchContext {
  /** True where the bench should take seconds: the figures mean nothing, that it runs does. */
  readonly isQuick: boolean;
  /** `quick` in quick runs, else `full`. */
  pick<T>(quick: T, full: T): T;
  /** Tells how far it is; shown while it runs. */
  say(text: string): void;
  /** A PostgreSQL server of this bench's own; the first call starts it, with these settings beyond the usual ones. */
  postgres(settings?: Readonly<Record<string, string>>): Promise<BenchPostgres>;
  /** Calls `release` at the end, also after a failure. */
  onEnd(release: () => unknown): void;
}

export interface Bench {
  readonly kind: 'bench';
  /** For `--only`: kebab-case. */
  readonly name: string;
  /** One line for `--help`. */
  readonly about: string;
  run(context: BenchContext): Promise<readonly Row[]>;
}

/** Declares a bench; files that end in `.bench.ts` are found by their names. */
export function defineBench(bench: Omit<Bench, 'kind'>): Bench {
  return { kind: 'bench', ...bench };
}

/** A row whose ratio has to be at least `goal`. */
export function ratioRow(row: Pick<Row, 'what' | 'against' | 'measured'>, ratio: number, goal: number): Row {
  const text = goal < 1 ? `≥ ${Math.round(goal * 100)} %` : `≥ ${goal} ×`;
  return { ...row, ratio, goal: text, isMet: ratio >= goal };
}

/** A row that is told beside the others, without a goal. */
export function tellingRow(
  row: Pick<Row, 'what' | 'against' | 'measured'>,
  ratio: number | null = null,
): Row {
  return { ...row, ratio, goal: '–', isMet: null };
}
