/** HTTP load from a process of its own, so that making it costs the measured process nothing. */
import { startChild } from './child.ts';

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

export interface HttpLoad {
  /** Throws where an answer has another status than `status`: a refusal is quicker than work. */
  run(plan: LoadPlan, status: number): Promise<LoadResult>;
  /** The same, for latencies: a while before, unmeasured, so that what other load left behind is over. */
  runSettled(plan: LoadPlan, status: number): Promise<LoadResult>;
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
    async runSettled(plan, status) {
      await run({ ...plan, ms: plan.ms / 2 }, status);
      return run(plan, status);
    },
    stop: () => child.stop(),
  };
}
