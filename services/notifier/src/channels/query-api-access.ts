/** Asks query-api who may follow a channel. */
import type { Position } from '@annals/platform/event-store/port';
import pLimit from 'p-limit';
import { z } from 'zod';
import type { ChannelAccess } from './access.ts';

const ATTEMPTS = 3;
const RETRY_MS = 200;
/** Questions under way at once. */
const CONCURRENCY = 32;
/** How long query-api may wait for its views, and how long we wait for query-api. */
const WAIT_SECONDS = 5;
const TIMEOUT_MS = 7_000;

const answer = z.object({ allowed: z.boolean() });

export interface QueryApiOptions {
  /** Base URL of its main port. */
  readonly url: string;
  readonly serviceToken: string;
  readonly retryMs?: number;
}

/** Equal questions under way share one request; a failed one is repeated twice. */
export function createQueryApiAccess({
  url,
  serviceToken,
  retryMs = RETRY_MS,
}: QueryApiOptions): ChannelAccess {
  const limit = pLimit(CONCURRENCY);
  const underWay = new Map<string, Promise<boolean>>();

  async function ask(channel: string, userId: string | null, minPosition: Position): Promise<boolean> {
    const query = userId === null ? '' : `?userId=${encodeURIComponent(userId)}`;
    const response = await fetch(`${url}/internal/channels/${encodeURIComponent(channel)}${query}`, {
      headers: {
        authorization: `Bearer ${serviceToken}`,
        'annals-min-position': minPosition,
        prefer: `wait=${WAIT_SECONDS}`,
      },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body: unknown = await response.json();
    if (response.status === 404 || response.status === 422) return false;
    if (!response.ok) throw new Error(`query-api answered ${response.status} about a channel`);
    return answer.parse(body).allowed;
  }

  async function askAgain(channel: string, userId: string | null, minPosition: Position): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await limit(ask, channel, userId, minPosition);
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, retryMs * attempt));
      }
    }
  }

  return {
    mayFollow(channel, userId, minPosition) {
      const key = JSON.stringify([channel, userId, minPosition]);
      let asked = underWay.get(key);
      if (!asked) {
        asked = askAgain(channel, userId, minPosition).finally(() => underWay.delete(key));
        underWay.set(key, asked);
      }
      return asked;
    },
  };
}
