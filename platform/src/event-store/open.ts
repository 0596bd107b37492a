/** Opens the event log that the configuration names. */
import type { Logger } from 'pino';
import type { EventStore } from './port.ts';
import { createPostgresEventStore } from './postgres/store.ts';

export interface EventStoreConfig {
  readonly databaseUrl: string;
  /** `esdb://…`; without it the log is in the database. */
  readonly eventstoreUrl?: string | undefined;
}

/** Opens the log, creating what is missing. `application` names the connections. Throws where its server is away. */
export async function openEventStore(
  { databaseUrl, eventstoreUrl }: EventStoreConfig,
  { application, logger }: { readonly application: string; readonly logger?: Logger },
): Promise<EventStore> {
  if (eventstoreUrl === undefined) {
    return createPostgresEventStore({ url: databaseUrl, application, ...(logger ? { logger } : {}) });
  }
  // Its client takes long to load, which only those who use it shall wait for.
  const { createEventStoreDbEventStore } = await import('./eventstoredb/store.ts');
  return createEventStoreDbEventStore({ url: eventstoreUrl, application, logger });
}
