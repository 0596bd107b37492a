import { setTimeout as sleep } from 'node:timers/promises';
import { backoff } from '../postgres/backoff.ts';
import { EventStoreUnavailable } from './port.ts';

/** How long an operation outlasts the loss of its server before it fails, in milliseconds. */
export const PATIENCE_MS = 10_000;

export interface RetryOptions {
  /** True for errors that a later attempt may not meet. */
  readonly isTransient: (error: unknown) => boolean;
  /** Default {@link PATIENCE_MS}. */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal;
  /** Hears of each failure that is retried. */
  readonly onRetry?: (error: unknown) => void;
}

/**
 * Repeats `work` with jittered backoff while it fails with transient errors. Throws {@link EventStoreUnavailable}
 * once patience is over or `signal` is aborted, and any other error at once.
 */
export async function retrying<Result>(
  work: () => Promise<Result>,
  { isTransient, patienceMs = PATIENCE_MS, signal, onRetry }: RetryOptions,
): Promise<Result> {
  const deadline = performance.now() + patienceMs;
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isTransient(error)) throw error;
      if (signal?.aborted || performance.now() > deadline) throw unavailable(error);
      onRetry?.(error);
      await sleep(backoff(attempt), undefined, signal ? { signal } : {}).catch(() => {});
    }
  }
}

/** Outlasts any absence of the server; null once `signal` is aborted. */
export async function patiently<Result>(
  work: () => Promise<Result>,
  options: RetryOptions & { readonly signal: AbortSignal },
): Promise<Result | null> {
  try {
    return await retrying(work, { ...options, patienceMs: Number.POSITIVE_INFINITY });
  } catch (error) {
    if (options.signal.aborted) return null;
    throw error;
  }
}

/** That the server has been away for too long. */
export function unavailable(cause: unknown): EventStoreUnavailable {
  return new EventStoreUnavailable('the server of the event store does not answer', { cause });
}
