/** Runs the relays to Kafka beside the projections: consumers of their own, so that a Kafka that is away stops nobody else. */
import { catalogue } from '@annals/contracts/catalogue';
import { topics } from '@annals/contracts/topics';
import type { ConsumerFaults } from '@annals/platform/consumer/faults';
import { createPostgresReactionStore } from '@annals/platform/consumer/postgres/store';
import { type Consumers, createConsumers } from '@annals/platform/consumer/runtime';
import { createEventLog } from '@annals/platform/event-log/event-log';
import type { EventStore } from '@annals/platform/event-store/port';
import { createKafka } from '@annals/platform/messaging/kafka';
import { createKafkaDelivery } from '@annals/platform/messaging/kafka-delivery';
import { createRelayStore } from '@annals/platform/messaging/relay-store';
import { createNoKeys } from '@annals/platform/privacy/no-keys';
import type { Logger } from '@annals/platform/telemetry/logger';
import type { Tracing } from '@annals/platform/telemetry/tracing';
import type { Pool } from 'pg';
import type { Registry } from 'prom-client';
import type { KafkaConfig } from './kafka-config.ts';
import { eventRelay, namesOf, stateRelay } from './relays.ts';

export interface RelayingOptions {
  readonly config: KafkaConfig;
  readonly store: EventStore;
  readonly pool: Pool;
  readonly owner: string;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly tracing: Tracing;
  readonly faults?: ConsumerFaults | undefined;
  readonly leaseMs?: number;
  readonly tickMs?: number;
}

export interface Relaying {
  readonly relays: readonly string[];
  readonly consumers: Consumers;
  /** Gives up what Kafka has not taken by now; the next owner goes on there. */
  stop(): Promise<void>;
}

/** Creates the relays; nothing happens before their consumers' `start`. They read the log without keys. */
export function createRelaying({ config, store, pool, faults, ...common }: RelayingOptions): Relaying {
  const { logger } = common;
  const log = createEventLog({ store, catalogue, keys: createNoKeys() });
  const relays = [eventRelay(topics), stateRelay(topics, log)];
  const { brokers, tls, sasl, guarantee, settings } = config;
  const kafka = createKafka({ brokers, tls, sasl, logger });
  const names = namesOf(relays);
  const delivery = createKafkaDelivery({
    ...{ kafka, guarantee, settings, logger, faults },
    topics: topics.all,
    relays: names,
  });
  const base = createPostgresReactionStore({ pool, faults });
  const consumers = createConsumers({
    ...common,
    log,
    faults,
    store: createRelayStore({ base, delivery, log, logger }),
    consumers: relays,
  });
  return {
    relays: names,
    consumers,
    async stop() {
      const stopped = consumers.stop();
      // What is under way may end, but nobody waits for a Kafka that is away.
      const timer = setTimeout(() => void delivery.close(), GRACE_MS);
      await stopped;
      clearTimeout(timer);
      await delivery.close();
    },
  };
}

const GRACE_MS = 3_000;
