/** How long it takes until what a command wrote is seen elsewhere: asked of a load process. */
import { type Child, startChild } from '../kit/child.ts';

export interface LatencyPlan {
  /** Base URLs: the gateway's, or those of the services themselves. */
  readonly commandUrl: string;
  readonly queryUrl: string;
  readonly pushUrl: string;
  readonly tokens: readonly string[];
  readonly articleIds: readonly string[];
  /** Commands per second. */
  readonly rate: number;
  readonly ms: number;
  /** Every nth command is read back. */
  readonly everyNth: number;
}

/** In milliseconds, from when the command was due. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

export interface Latencies {
  /** Commands answered per second. */
  readonly perSecond: number;
  readonly answered: Percentiles;
  /** A query shows it. */
  readonly visible: Percentiles;
  /** A socket has its push. */
  readonly pushed: Percentiles;
}

export function startLatencyLoad(): Child {
  return startChild(new URL('./latency.child.ts', import.meta.url));
}

export function measureLatencies(load: Child, plan: LatencyPlan): Promise<Latencies> {
  return load.ask<Latencies>({ kind: 'latency', ...plan });
}
