/** Publishes as fast as the subscribers take it: at most two bursts are on their way to them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Crowd } from './crowd.ts';
import type { Publisher } from './publisher.ts';

export interface LoopOptions {
  readonly ms: number;
  /** Messages published at once. */
  readonly burst: number;
}

export interface LoopResult {
  readonly seconds: number;
  readonly events: number;
  /** Messages that arrived, counted per socket. */
  readonly deliveries: number;
  /** WebSocket frames in which they came. */
  readonly frames: number;
}

/** How long the last messages may take to reach everyone. */
const PATIENCE_MS = 20_000;

/**
 * The next burst is published when the first socket has the one before: it travels while that one is still being sent
 * to the others, and is not joined with it.
 */
export async function closedLoop(
  crowd: Crowd,
  publisher: Publisher,
  { ms, burst }: LoopOptions,
): Promise<LoopResult> {
  const before = { at: performance.now(), deliveries: crowd.deliveries, frames: crowd.frames };
  const until = before.at + ms;
  let published = 0;
  let failure: unknown;
  const publish = (): void => {
    published += burst;
    publisher.publish(burst).catch((error: unknown) => {
      failure ??= error;
    });
  };
  crowd.onFrames = () => {
    const arrived = crowd.deliveries - before.deliveries;
    if (arrived > (published - burst) * crowd.size && performance.now() < until) publish();
  };
  publish();
  await sleep(ms);
  const expected = () => published * crowd.size;
  while (crowd.deliveries - before.deliveries < expected()) {
    if (failure) throw failure;
    if (performance.now() > until + PATIENCE_MS) throw new Error('messages are missing');
    await sleep(5);
  }
  crowd.onFrames = () => undefined;
  return {
    seconds: (performance.now() - before.at) / 1_000,
    events: published,
    deliveries: crowd.deliveries - before.deliveries,
    frames: crowd.frames - before.frames,
  };
}
