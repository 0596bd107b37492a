/** The bare `ws` server in a process of its own. */
import { once } from 'node:events';
import type { BenchContext } from '../kit/bench.ts';
import { type Child, startChild } from '../kit/child.ts';
import { probed } from './probed.ts';

export interface BareProcess {
  readonly child: Child;
  readonly port: number;
  /** Where it is told what to send. */
  readonly controlPort: number;
}

/** Starts it; the context ends it. */
export async function startBare(context: BenchContext): Promise<BareProcess> {
  const child = startChild(new URL('./bare.child.ts', import.meta.url), { execArgv: probed });
  context.onEnd(() => child.stop());
  const [ports] = (await once(child.process, 'message')) as [Pick<BareProcess, 'port' | 'controlPort'>];
  return { child, ...ports };
}
