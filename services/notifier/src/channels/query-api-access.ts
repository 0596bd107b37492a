/** Asks query-api who may follow a channel. */
import {
  CHANNEL_CHECK_WAIT_MS,
  channelCheck,
  channelCheckAnswer,
} from '@annals/contracts/push/channel-check';
import type { Position } from '@annals/platform/event-store/port';
import pLimit from 'p-limit';
import type { ChannelAccess } from './access.ts';

const ATTEMPTS = 3;
const RETRY_MS = 200;
/** Questions under way at once. */
const CONCURRENCY = 32;
/** How long query-api may take beyond its waiting for a view. */
const SLACK_MS = 2_000;

export interface QueryApiOptions {
  /** Base URL of its main port. */
  readonly url: string;
  readonly serviceToken: string;
  /** Before the second attempt; twice that before the third. Default 200 ms. */
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
    const path = channelCheck.path.replace('{channel}', encodeURIComponent(channel));
    const query = new URLSearchParams({ minPosition, ...(userId === null ? {} : { userId }) });
    const response = await fetch(`${url}${path}?${query}`, {
      headers: { authorization: `Bearer ${serviceToken}` },
      signal: AbortSignal.timeout(CHANNEL_CHECK_WAIT_MS + SLACK_MS),
    });
    const body: unknown = await response.json();
    if (!response.ok) throw new Error(`query-api answered ${response.status} about a channel`);
    return channelCheckAnswer.parse(body).allowed;
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
