/** One client of EventStoreDB at a time, replaced when it may be no good any more. */
import {
  CancelledError,
  type EventStoreDBClient,
  NotLeaderError,
  UnavailableError,
} from '@eventstore/db-client';
import type { Logger } from 'pino';
import { isTransient } from './errors.ts';
import { createGuardedClient } from './guarded-client.ts';

/** After these the client looks for a channel anew by itself; after any other it would keep a channel that is dead. */
const HEALED = [NotLeaderError, UnavailableError, CancelledError];
/** By then every call of a replaced client has ended or been given up. */
const RETIRED_MS = 15_000;

export class Connection {
  readonly #create: () => EventStoreDBClient;
  readonly #retired = new Map<EventStoreDBClient, NodeJS.Timeout>();
  #client: EventStoreDBClient | undefined;

  constructor(url: string, logger: Logger | undefined) {
    this.#create = () => createGuardedClient(url, logger);
  }

  get client(): EventStoreDBClient {
    this.#client ??= this.#create();
    return this.#client;
  }

  /**
   * Tells what a call on `client` ended with. Where its channel may be dead, further calls get another client; those
   * that are under way are left alone, since most would not hear of their end.
   */
  failed(client: EventStoreDBClient, error: unknown): void {
    if (client !== this.#client || !isTransient(error) || HEALED.some((type) => error instanceof type))
      return;
    this.#client = undefined;
    const retire = (): void => {
      this.#retired.delete(client);
      void end(client);
    };
    this.#retired.set(client, setTimeout(retire, RETIRED_MS).unref());
  }

  /** Ends all calls. */
  async close(): Promise<void> {
    const clients = [...this.#retired.keys(), ...(this.#client ? [this.#client] : [])];
    for (const timer of this.#retired.values()) clearTimeout(timer);
    this.#retired.clear();
    this.#client = undefined;
    await Promise.all(clients.map(end));
  }
}

/** Cancels what is under way and closes the channel, which the client's own disposal leaves open. */
async function end(client: EventStoreDBClient): Promise<void> {
  await client.dispose();
  const getChannel = Reflect.get(client, 'getChannel') as () => Promise<{ close(): void }>;
  const channel = await getChannel().catch(() => undefined);
  channel?.close();
}
