/** One client of EventStoreDB at a time, replaced when it may be no good any more. */
import { setTimeout as sleep } from 'node:timers/promises';
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
/** The client waits for each stream to end, which one on a dead connection may not. */
const DISPOSAL_MS = 1_000;

export class Connection {
  readonly #create: () => EventStoreDBClient;
  readonly #retired = new Map<EventStoreDBClient, NodeJS.Timeout>();
  #client: EventStoreDBClient | undefined;

  /** Connects when it is first used. Throws TypeError, which tells nothing of `url`, where the client can't read that. */
  constructor(url: string, logger: Logger | undefined) {
    this.#create = () => createGuardedClient(url, logger);
    try {
      this.#client = this.#create();
    } catch (error) {
      if (error instanceof Error && !('connectionString' in error)) throw error;
      throw new TypeError('the connection string of EventStoreDB can not be read');
    }
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
  await Promise.race([client.dispose(), sleep(DISPOSAL_MS, undefined, { ref: false })]);
  const getChannel = Reflect.get(client, 'getChannel') as () => Promise<{ close(): void }>;
  const channel = await getChannel().catch(() => undefined);
  channel?.close();
}
