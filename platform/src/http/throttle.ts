/** Throttles: how often a caller may use which routes. */
import type { ThrottleName } from '@annals/contracts/kit/route';
import { LRUCache } from 'lru-cache';
import type { z } from 'zod';
import { wholeNumber } from '../config/common.ts';
import { networkOf } from './network.ts';
import type { Caller } from './types.ts';

/** What a throttle says of one request. */
export interface Permit {
  readonly isGranted: boolean;
  /** Seconds until a refused caller may try again; 0 for others. */
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

/** Requests per minute and per hour. */
export interface Limit {
  readonly perMinute: number;
  readonly perHour: number;
}

/** Limits by throttle; `import` is that of callers with `can_import`, for whatever they do but logging in. */
export type Limits = Readonly<Record<'read' | 'write' | 'login' | 'import', Limit>>;

const requestsPerMinute = (requests: number) => wholeNumber(1, 10_000_000).default(requests);

/** Settings of the throttles, for services' schemas: requests per minute. An hour allows 20 times as many. */
export const throttleFields = {
  throttleRead: requestsPerMinute(6_000),
  throttleWrite: requestsPerMinute(1_200),
  throttleLogin: requestsPerMinute(60),
  throttleImport: requestsPerMinute(60_000),
};

const MINUTES_PER_HOUR_ALLOWED = 20;

/** The limits that {@link throttleFields} mean. */
export function toLimits(settings: z.output<z.ZodObject<typeof throttleFields>>): Limits {
  const limit = (requests: number): Limit => ({
    perMinute: requests,
    perHour: requests * MINUTES_PER_HOUR_ALLOWED,
  });
  return {
    read: limit(settings.throttleRead),
    write: limit(settings.throttleWrite),
    login: limit(settings.throttleLogin),
    import: limit(settings.throttleImport),
  };
}

/** Callers that are counted at a time; the one not seen for longest is forgotten first. */
const MAX_CALLERS = 50_000;
const MINUTE_S = 60;
const HOUR_S = 3_600;

interface Window {
  used: number;
  endsAt: number;
}

interface Counters {
  readonly minute: Window;
  readonly hour: Window;
}

/** A throttle that counts in this process, in fixed windows. Refused requests don't count. `now`: ms since 1970. */
export function createLocalThrottle(limits: Limits, now: () => number = Date.now): Throttle {
  const counters = new LRUCache<string, Counters>({ max: MAX_CALLERS });
  return {
    take(name, caller) {
      if (caller.kind === 'service') return UNLIMITED;
      const limitName = limitFor(name, caller);
      const key = `${limitName} ${caller.kind === 'user' ? caller.userId : networkOf(caller.address)}`;
      const found = counters.get(key) ?? { minute: { used: 0, endsAt: 0 }, hour: { used: 0, endsAt: 0 } };
      counters.set(key, found);
      return takeOne(found, limits[limitName], now());
    },
  };
}

function limitFor(name: Exclude<ThrottleName, 'none'>, caller: Caller): keyof Limits {
  const isImporter = caller.kind === 'user' && caller.permissions.has('can_import');
  return isImporter && name !== 'login' ? 'import' : name;
}

function takeOne({ minute, hour }: Counters, { perMinute, perHour }: Limit, time: number): Permit {
  renew(minute, MINUTE_S, time);
  renew(hour, HOUR_S, time);
  const retryAfter = Math.max(
    minute.used < perMinute ? 0 : secondsLeft(minute, time),
    hour.used < perHour ? 0 : secondsLeft(hour, time),
  );
  if (retryAfter === 0) {
    minute.used++;
    hour.used++;
  }
  return {
    isGranted: retryAfter === 0,
    retryAfter,
    headers: {
      'ratelimit-policy': `"burst";q=${perMinute};w=${MINUTE_S}, "sustained";q=${perHour};w=${HOUR_S}`,
      ratelimit: `${remaining('burst', perMinute, minute, time)}, ${remaining('sustained', perHour, hour, time)}`,
    },
  };
}

const UNLIMITED: Permit = { isGranted: true, retryAfter: 0, headers: null };

function renew(window: Window, seconds: number, time: number): void {
  if (time < window.endsAt) return;
  window.used = 0;
  window.endsAt = time + seconds * 1_000;
}

function secondsLeft(window: Window, time: number): number {
  return Math.ceil((window.endsAt - time) / 1_000);
}

function remaining(policy: string, quota: number, window: Window, time: number): string {
  return `"${policy}";r=${quota - window.used};t=${secondsLeft(window, time)}`;
}
