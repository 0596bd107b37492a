/** Throttles: how often a caller may use which routes. */
import type { ThrottleName } from '@annals/contracts/kit/route';
import { LRUCache } from 'lru-cache';
import type { z } from 'zod';
import { wholeNumber } from '../config/common.ts';
import { networkOf } from './network.ts';
import { type Caller, holds } from './types.ts';

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
 * limits by leasing permits in blocks. Rejects with the problem `unavailable` where nobody can tell.
 */
export interface Throttle {
  take(name: Exclude<ThrottleName, 'none'>, caller: Caller): Permit | Promise<Permit>;
}

/** Requests per minute and per hour. */
export interface Limit {
  readonly perMinute: number;
  readonly perHour: number;
}

/**
 * Limits by throttle; `anonymous…` for callers without a token; `import` is that of callers with `can_import`, for
 * whatever they do but logging in and refreshing.
 */
export type Limits = Readonly<
  Record<'read' | 'write' | 'login' | 'refresh' | 'import' | 'anonymousRead' | 'anonymousWrite', Limit>
>;

const requests = wholeNumber(1, 10_000_000).optional();

/**
 * Settings of the throttles, for services' schemas [X1]: requests of one caller per minute, and per hour. Where only
 * the minute is set, an hour allows 20 times as many, to anonymous callers as well.
 */
export const throttleFields = {
  throttleRead: requests,
  throttleReadHour: requests,
  throttleWrite: requests,
  throttleWriteHour: requests,
  /** Reads per hour without a token, and as many writes. */
  throttleAnonymousHour: requests,
  throttleLogin: requests,
  throttleLoginHour: requests,
  /** Refreshed sessions of one network: of everybody behind one address, about four an hour each. */
  throttleRefresh: requests,
  throttleRefreshHour: requests,
  throttleImport: requests,
  throttleImportHour: requests,
};

/** In production, where nothing is set. */
const DEFAULT = {
  requests: { perMinute: 60, perHour: 1_000 },
  anonymousHour: 100,
  login: { perMinute: 10, perHour: 50 },
  import: { perMinute: 60_000, perHour: 1_200_000 },
};
const MINUTES_PER_HOUR_ALLOWED = 20;

/** The limits that {@link throttleFields} mean. */
export function toLimits(settings: z.output<z.ZodObject<typeof throttleFields>>): Limits {
  const { throttleAnonymousHour } = settings;
  const limit = (perMinute: number | undefined, perHour: number | undefined, byDefault: Limit): Limit => ({
    perMinute: perMinute ?? byDefault.perMinute,
    perHour: perHour ?? (perMinute === undefined ? byDefault.perHour : perMinute * MINUTES_PER_HOUR_ALLOWED),
  });
  const anonymous = (perMinute: number | undefined) =>
    limit(perMinute, throttleAnonymousHour, { ...DEFAULT.requests, perHour: DEFAULT.anonymousHour });
  return {
    read: limit(settings.throttleRead, settings.throttleReadHour, DEFAULT.requests),
    write: limit(settings.throttleWrite, settings.throttleWriteHour, DEFAULT.requests),
    login: limit(settings.throttleLogin, settings.throttleLoginHour, DEFAULT.login),
    refresh: limit(settings.throttleRefresh, settings.throttleRefreshHour, DEFAULT.requests),
    import: limit(settings.throttleImport, settings.throttleImportHour, DEFAULT.import),
    anonymousRead: anonymous(settings.throttleRead),
    anonymousWrite: anonymous(settings.throttleWrite),
  };
}

/** What a caller is counted as, under which limit; null for services, which have none. Log-ins and refreshes count by network. */
export function subjectOf(
  name: Exclude<ThrottleName, 'none'>,
  caller: Caller,
): { readonly key: string; readonly limit: keyof Limits } | null {
  if (caller.kind === 'service') return null;
  const networkKey = () => `${name} ${networkOf(caller.address)}`;
  // A token says nothing about whom its bearer tries to be: each would allow as many attempts again.
  if (name === 'login' || name === 'refresh') return { key: networkKey(), limit: name };
  if (caller.kind === 'anonymous')
    return { key: networkKey(), limit: name === 'read' ? 'anonymousRead' : 'anonymousWrite' };
  const limit = holds(caller, 'can_import') ? 'import' : name;
  return { key: `${limit} ${caller.userId}`, limit };
}

/** The permit of callers without a limit. */
export const UNLIMITED: Permit = { isGranted: true, retryAfter: 0, headers: null };

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** What is left of a limit, and for how long. */
export interface Left {
  readonly requests: number;
  readonly ms: number;
}

/** A permit as callers see it; refused, it says when the windows that are used up end. */
export function toPermit(
  isGranted: boolean,
  { perMinute, perHour }: Limit,
  minute: Left,
  hour: Left,
): Permit {
  const secondsOf = ({ ms }: Left) => Math.max(1, Math.ceil(ms / 1_000));
  const wait = (left: Left) => (left.requests > 0 ? 0 : secondsOf(left));
  return {
    isGranted,
    retryAfter: isGranted ? 0 : Math.max(1, wait(minute), wait(hour)),
    headers: {
      'ratelimit-policy': `"burst";q=${perMinute};w=${MINUTE_MS / 1_000}, "sustained";q=${perHour};w=${HOUR_MS / 1_000}`,
      ratelimit: `"burst";r=${minute.requests};t=${secondsOf(minute)}, "sustained";r=${hour.requests};t=${secondsOf(hour)}`,
    },
  };
}

/** Callers that are counted at a time; the one not seen for longest is forgotten first. */
const MAX_CALLERS = 50_000;

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
      const subject = subjectOf(name, caller);
      if (subject === null) return UNLIMITED;
      const { key, limit } = subject;
      const found = counters.get(key) ?? { minute: { used: 0, endsAt: 0 }, hour: { used: 0, endsAt: 0 } };
      counters.set(key, found);
      return takeOne(found, limits[limit], now());
    },
  };
}

function takeOne({ minute, hour }: Counters, limit: Limit, time: number): Permit {
  renew(minute, MINUTE_MS, time);
  renew(hour, HOUR_MS, time);
  const isGranted = minute.used < limit.perMinute && hour.used < limit.perHour;
  if (isGranted) {
    minute.used++;
    hour.used++;
  }
  const left = (window: Window, quota: number) => ({
    requests: quota - window.used,
    ms: window.endsAt - time,
  });
  return toPermit(isGranted, limit, left(minute, limit.perMinute), left(hour, limit.perHour));
}

function renew(window: Window, ms: number, time: number): void {
  if (time < window.endsAt) return;
  window.used = 0;
  window.endsAt = time + ms;
}
