/** Publishes in bulk: comments appended to the log itself, many at once, past command-api. */
import { randomUUID } from 'node:crypto';
import { catalogue } from '@annals/contracts/catalogue';
import { createEventLog } from '@annals/platform/event-log/event-log';
import { type EventStoreConfig, openEventStore } from '@annals/platform/event-store/open';
import { createLogger } from '@annals/platform/telemetry/logger';
import { noKeys } from './published.ts';

export interface BulkPublisher {
  /** Appends `count` comments on the article; gives the position of the last, which is pushed on `article:<id>`. */
  publish(articleId: string, count: number): Promise<string>;
  close(): Promise<void>;
}

export async function createBulkPublisher(address: EventStoreConfig): Promise<BulkPublisher> {
  const logger = createLogger({ service: 'test', level: 'silent' });
  const store = await openEventStore(address, { application: 'test', logger });
  const log = createEventLog({ store, catalogue, keys: noKeys });
  const comment = (articleId: string, authorId: string) => {
    const id = randomUUID();
    return {
      id,
      type: 'CommentAdded',
      data: { commentId: id, articleId, authorId, parentId: null, content: 'One of very many.' },
      metadata: {
        commandId: id,
        correlationId: id,
        causationId: id,
        actor: { kind: 'user' as const, id: authorId },
        occurredAt: new Date().toISOString(),
      },
    };
  };
  return {
    publish: async (articleId, count) => {
      const authorId = randomUUID();
      const events = Array.from({ length: count }, () => comment(articleId, authorId));
      const { position } = await log.append(`comment-${randomUUID()}`, events, 'none');
      return position;
    },
    close: () => store.close(),
  };
}
