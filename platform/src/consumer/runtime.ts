/**
 * Runs consumers: one loop each, leases renewed off the loops in one statement for all, shared out among the replicas
 * that can run them, handed over at the end. Projections and reactions run on the same loop.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Registry } from 'prom-client';
import type { EventLog } from '../event-log/log.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import { assign } from './assignment.ts';
import type { ConsumerFaults } from './faults.ts';
import { fingerprint } from './fingerprint.ts';
import { consumerMetrics } from './metrics.ts';
import { createObserver } from './observe.ts';
import { createParkingLimit } from './parking-limit.ts';
import type { Progress } from './progress.ts';
import { type Projection, viewName } from './projection.ts';
import { openProjection } from './projection-term.ts';
import type { PostgresEffects, ReactionConsumer } from './reaction.ts';
import { createRunners, type Unit } from './runners.ts';
import {
  type ConsumerStatus,
  type ConsumerStore,
  type GenerationRequest,
  isAboutGenerations,
  type Registration,
  type RepairRequest,
  type RequestStatus,
  type ViewStore,
} from './store.ts';
import { openReaction } from './term.ts';
import { openViews } from './views.ts';

interface CommonOptions {
  readonly log: EventLog;
  /** Unique per process, e.g. host name and a random suffix. */
  readonly owner: string;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly tracing?: Tracing;
  /** One per process, shared by all its runtimes; without one, readers learn of progress within a second. */
  readonly progress?: Progress;
  /** How long a lease outlives its owner's last sign of life. Default 7 s: it is taken over within 10 s. */
  readonly leaseMs?: number;
  /** How often leases are renewed, shares looked at and requests picked up. Default 1 s; a fifth until ready. */
  readonly tickMs?: number;
  /** Holds the views of a `ViewStore` against the log, again and again, this often at most. Default: not at all. */
  readonly auditEveryMs?: number;
  /** What tests make happen. */
  readonly faults?: ConsumerFaults | undefined;
}

type ProjectionsOptions = CommonOptions & {
  readonly store: ViewStore;
  readonly consumers: readonly Projection[];
};

export type ConsumersOptions<Effects = PostgresEffects> =
  | ProjectionsOptions
  | (CommonOptions & {
      readonly store: ConsumerStore<Effects>;
      readonly consumers: readonly ReactionConsumer<Effects>[];
    });

/** Running consumers. */
export interface Consumers {
  /** Prepares the store and begins. Throws `FingerprintChanged`. */
  start(): Promise<void>;
  /** Finishes the commits under way and hands the leases over. */
  stop(): Promise<void>;
  /** True once every consumer, wherever it runs, has caught up with the log at least once since it was made. */
  isReady(): boolean;
  status(): Promise<readonly ConsumerStatus[]>;
  /** Asks whoever holds the consumer's lease for something, which begins within about a second; gives the request's id. */
  request(request: RepairRequest | GenerationRequest): Promise<string>;
  requests(): Promise<readonly RequestStatus[]>;
}

/** Creates the consumers of one store; nothing happens before `start`. */
export function createConsumers<Effects = PostgresEffects>(options: ConsumersOptions<Effects>): Consumers {
  const { log, logger, owner, progress, leaseMs = 7_000, tickMs = 1_000 } = options;
  const store: ConsumerStore<never> = options.store;
  const units = unitsOf(options);
  const names = units.map(({ consumer }) => consumer);
  const metrics = consumerMetrics(options.metrics);
  const runners = createRunners(options, units, metrics, leaseMs);
  const views = isOfProjections(options) ? openViews({ ...options, runners, metrics, tickMs }) : undefined;
  const observe = createObserver(metrics);
  const stopping = new AbortController();
  let ticking: Promise<void> | undefined;
  let isReady = false;

  /** Renews what is held; what turns out to be lost ends. */
  const renew = async (): Promise<void> => {
    const lost = await store.renew(runners.all().flatMap(({ holding }) => holding ?? []));
    for (const claim of lost) runners.get(claim.consumer)?.lose(claim);
    for (const { holding } of runners.all()) {
      if (holding) progress?.announce(holding.claim.consumer, holding.claim.position, holding.through);
    }
  };

  /** Starts what is this process' share, and hands over what is another's. */
  const share = async (): Promise<void> => {
    const [able, withdrawn] = [false, true].map((isWithdrawn) =>
      runners
        .all()
        .filter((runner) => runner.isWithdrawn === isWithdrawn)
        .map(({ consumer }) => consumer),
    );
    if (withdrawn?.length) await store.attend(owner, withdrawn, 0);
    const assignment = assign(await store.attend(owner, able ?? [], leaseMs));
    for (const runner of runners.all()) {
      if (assignment.get(runner.consumer) === owner) {
        runner.start();
        runner.tick();
      } else void runner.stop();
    }
  };

  const ask = async (): Promise<void> => {
    const held = runners.all().filter(({ holding }) => holding);
    const pending = await store.pending(held.map(({ consumer }) => consumer));
    for (const runner of held) {
      const own = pending.filter(({ consumer }) => consumer === runner.consumer);
      const repairs = views ? own.filter((request) => !isAboutGenerations(request)) : own;
      if (repairs.length > 0) runner.ask(repairs);
    }
    views?.generations.take(pending.filter(isAboutGenerations));
  };

  const look = async (): Promise<void> => {
    const all = await store.status();
    const own = all.filter(({ consumer }) => names.includes(consumer));
    runners.follow(all);
    observe(all);
    isReady = own.length === names.length && own.every(({ isLive }) => isLive);
    views?.sweep();
  };

  const tick = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      for (const step of [renew, share, ask, look]) {
        await step().catch((error: unknown) =>
          logger.warn({ error }, 'consumers could not be looked after; trying again'),
        );
      }
      await sleep(isReady ? tickMs : tickMs / 5, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };

  return {
    async start() {
      await store.prepare(units, await log.start());
      ticking = tick();
      views?.start();
    },
    async stop() {
      stopping.abort();
      await ticking;
      await views?.stop();
      await Promise.all(runners.all().map((runner) => runner.stop()));
      await store
        .attend(
          owner,
          runners.all().map(({ consumer }) => consumer),
          0,
        )
        .catch((error: unknown) => logger.warn({ error }, 'could not say good-bye'));
    },
    isReady: () => isReady,
    status: () => store.status(),
    request: (request) => store.request(request),
    requests: () => store.requests(),
  };
}

function unitsOf<Effects>(options: ConsumersOptions<Effects>): readonly Unit[] {
  const { log, faults } = options;
  if (isOfProjections(options)) {
    const { store } = options;
    return options.consumers.map((projection) => ({
      ...identity(projection),
      projection,
      termsOf(consumer: string) {
        const limit = createParkingLimit();
        return () => openProjection({ projection, consumer, store, log, limit });
      },
    }));
  }
  const { store } = options;
  return options.consumers.map((reaction) => ({
    ...identity(reaction),
    pace: reaction.batchSize === undefined ? {} : { batchSize: reaction.batchSize },
    termsOf: () => async () => openReaction(reaction, store, faults),
  }));
}

function isOfProjections<Effects>(options: ConsumersOptions<Effects>): options is ProjectionsOptions {
  return 'load' in options.store;
}

function identity<Effects>(
  consumer: Projection | ReactionConsumer<Effects>,
): Registration & Pick<Unit, 'handles'> {
  return { consumer: viewName(consumer), fingerprint: fingerprint(consumer), handles: consumer.handles };
}
