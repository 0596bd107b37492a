/** Throttles: how often a caller may use which routes. */
import type { ThrottleName } from '@annals/contracts/kit/route';
import type { Caller } from './types.ts';

/** What a throttle says of one request. */
export interface Permit {
  readonly isGranted: boolean;
  /** Seconds until a refused caller may try again. */
  readonly retryAfter: number;
  /** `RateLimit-Policy` and `RateLimit`, in the form of the IETF draft; null for callers without a limit. */
  readonly headers: { readonly 'ratelimit-policy': string; readonly ratelimit: string } | null;
}

/**
 * The port: takes one permit for `caller`. May answer at once or after asking elsewhere, so that replicas can share
 * limits by leasing permits in blocks.
 */
export interface Throttle {
  take(name: Exclude<ThrottleName, 'none'>, caller: Caller): Permit | Promise<Permit>;
}
