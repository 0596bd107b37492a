/** The whole stack as `annals start` runs it, durable, with throttles that count and are not reached. */
import { startTestStack, type TestStack } from '@annals/testing/stack';
import type { BenchContext } from '../kit/bench.ts';
import { productionLike } from '../kit/postgres.ts';
import { UNREACHED } from '../kit/service.ts';

/** Starts it; the context ends it. */
export async function startBenchStack(
  context: BenchContext,
  tuning: Readonly<Record<string, string>> = {},
): Promise<TestStack> {
  const stack = await startTestStack({
    isDurable: true,
    postgresSettings: productionLike,
    tuning: { ...UNREACHED, ...tuning },
  });
  context.onEnd(() => stack.stop());
  return stack;
}
