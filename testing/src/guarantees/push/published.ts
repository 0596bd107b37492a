/** What sockets are owed: the log itself, read by the rules of push. */
import { catalogue } from '@annals/contracts/catalogue';
import { pushFrames } from '@annals/contracts/push/docs';
import { pushRules } from '@annals/contracts/push/rules';
import { createEventLog } from '@annals/platform/event-log/event-log';
import { type EventStoreConfig, openEventStore } from '@annals/platform/event-store/open';
import type { KeyStore } from '@annals/platform/privacy/port';
import { createLogger } from '@annals/platform/telemetry/logger';

/** The positions of each channel's events after `since`, in the log's order, and the head that was read to. */
export async function publishedSince(
  address: EventStoreConfig,
  since: string,
): Promise<{ readonly channels: ReadonlyMap<string, readonly string[]>; readonly head: string }> {
  const logger = createLogger({ service: 'test', level: 'silent' });
  const store = await openEventStore(address, { application: 'test', logger });
  const over = new AbortController();
  const channels = new Map<string, string[]>();
  try {
    const log = createEventLog({ store, catalogue, keys: noKeys });
    const head = await log.head();
    const types = new Set(pushRules.keys());
    for await (const batch of log.subscribe({ from: since, types, signal: over.signal })) {
      for (const { channel, position } of batch.events.flatMap((event) => pushFrames(pushRules, event))) {
        const positions = channels.get(channel);
        if (positions) positions.push(position);
        else channels.set(channel, [position]);
      }
      if (batch.through >= head) break;
    }
    return { channels, head };
  } finally {
    over.abort();
    await store.close();
  }
}

export const noKeys: KeyStore = { read: refuse, ensure: refuse, destroy: refuse };
async function refuse(): Promise<never> {
  throw new Error('what is pushed holds no personal data');
}
