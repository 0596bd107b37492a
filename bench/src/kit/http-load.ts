/** HTTP load from a process of its own, so that making it costs the measured process nothing. */
import type { Row } from './bench.ts';
import { startChild } from './child.ts';
import { type Summary, summarise } from './rounds.ts';

/** `{{uuid}}` in path, headers and body becomes a fresh UUID for every request. */
export interface LoadRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface LoadPlan {
  /** Base URL. */
  readonly url: string;
  readonly connections: number;
  readonly ms: number;
  /** Requests per second, evenly paced, latency counted from when each was due; null: as fast as answers come. */
  readonly rate: number | null;
  /** Sent in turn. */
  readonly requests: readonly LoadRequest[];
}

export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How many answers had each status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Cores that making the load took. */
  readonly cpu: number;
}

/** Milliseconds. */
export interface PacedLatencies {
  readonly p50: Summary;
  readonly p99: Summary;
}

/** Runs whose latencies are told: a machine that is taken away for a moment spoils one of them. */
const LATENCY_RUNS = 5;

export interface HttpLoad {
  /** Throws where an answer has another status than `status`: a refusal is quicker than work. */
  run(plan: LoadPlan, status: number): Promise<LoadResult>;
  /** The latencies of several runs; one more goes before, so that what other load left behind is over. */
  latencies(plan: LoadPlan, status: number): Promise<PacedLatencies>;
  stop(): Promise<void>;
}

export function startHttpLoad(): HttpLoad {
  const child = startChild(new URL('./http-load.child.ts', import.meta.url));
  const run = async (plan: LoadPlan, status: number): Promise<LoadResult> => {
    const result = await child.ask<LoadResult>({ kind: 'load', ...plan });
    const others = Object.keys(result.statuses).filter((found) => found !== String(status));
    if (others.length > 0) throw new Error(`unexpected answers: ${JSON.stringify(result.statuses)}`);
    return result;
  };
  return {
    run,
    async latencies(plan, status) {
      await run(plan, status);
      const results: LoadResult[] = [];
      while (results.length < LATENCY_RUNS) results.push(await run(plan, status));
      return {
        p50: summarise(results.map(({ p50Ms }) => p50Ms)),
        p99: summarise(results.map(({ p99Ms }) => p99Ms)),
      };
    },
    stop: () => child.stop(),
  };
}

/** A row whose p99 has to be below `goalMs`, in the median run. */
export function latencyRow(what: string, { p50, p99 }: PacedLatencies, goalMs: number): Row {
  return {
    what,
    against: '–',
    measured: `p50 ${p50.median.toFixed(1)} ms, p99 ${p99.median.toFixed(1)} ms [${p99.min.toFixed(1)}..${p99.max.toFixed(1)}]`,
    ratio: null,
    goal: `p99 < ${goalMs} ms`,
    isMet: p99.median < goalMs,
  };
}
