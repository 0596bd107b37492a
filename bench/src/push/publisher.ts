/**
 * Where messages come from: events appended to a real log. For the rival the same events are appended as well, so that
 * the machine is loaded alike, and the message is then handed to it over a connection.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { EventStore, NewEvent } from '@annals/platform/event-store/port';
import { createPostgresEventStore } from '@annals/platform/event-store/postgres/store';

export interface Publisher {
  /** Publishes `count` messages at once. */
  publish(count: number): Promise<void>;
  close(): Promise<void>;
}

export type Target =
  | { readonly kind: 'log'; readonly databaseUrl: string }
  | {
      readonly kind: 'bare';
      readonly databaseUrl: string;
      readonly controlPort: number;
      readonly line: string;
    };

/** Appends events that the notifier pushes to the channel `articles`. */
export async function publishToLog({ databaseUrl }: { readonly databaseUrl: string }): Promise<Publisher> {
  const store = await createPostgresEventStore({ url: databaseUrl, application: 'bench' });
  return {
    publish: (count) => append(store, count),
    close: () => store.close(),
  };
}

/** Appends the same events, and has the bare server send as many lines. */
export async function publishToBare(target: Extract<Target, { kind: 'bare' }>): Promise<Publisher> {
  const store = await createPostgresEventStore({ url: target.databaseUrl, application: 'bench' });
  const control = connect({ host: '127.0.0.1', port: target.controlPort, noDelay: true });
  await once(control, 'connect');
  return {
    async publish(count) {
      control.write(`${target.line}\n`.repeat(count));
      await append(store, count);
    },
    async close() {
      control.destroy();
      await store.close();
    },
  };
}

async function append(store: EventStore, count: number): Promise<void> {
  const articleId = randomUUID();
  const events = Array.from({ length: count }, () => publication(articleId));
  await store.append(`article-${articleId}`, events, 'none');
}

/** As command-api writes it. */
function publication(articleId: string): NewEvent {
  const [commandId, publishedAt] = [randomUUID(), new Date().toISOString()];
  return {
    id: randomUUID(),
    type: 'ArticlePublished',
    data: { articleId, authorId: articleId, publishedAt, tags: [] },
    metadata: {
      schemaVersion: 1,
      commandId,
      correlationId: commandId,
      causationId: commandId,
      actor: { kind: 'user', id: articleId },
      occurredAt: publishedAt,
    },
  };
}
