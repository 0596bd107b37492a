/** The write side: commands found in the contexts, and all that runs them. */
import { discover, ofKind } from '@annals/contracts/kit/discover';
import type { Permission } from '@annals/contracts/kit/route';
import type { BoundRoute } from '@annals/platform/http/types';
import type { Releasers } from '@annals/platform/lifecycle/releasers';
import { bindCommand } from './commands/bind.ts';
import type { AnyCommand } from './commands/command.ts';
import { streamOf } from './commands/decider.ts';
import type { Faults } from './commands/faults.ts';
import { type CommandRunner, createCommandRunner } from './commands/runner.ts';
import { createStreams, type Streams } from './commands/streams.ts';
import type { Config } from './config.ts';
import { createIdempotency, type Idempotency, LEASE_SECONDS } from './idempotency/idempotency.ts';
import { createIdempotencyTable } from './idempotency/table.ts';
import { commonPasswords } from './identity/common-passwords.ts';
import { createCredentials } from './identity/credentials.ts';
import { users } from './identity/deciders.ts';
import { createPasswordHasher } from './identity/password-hasher.ts';
import type { Platform } from './platform.ts';
import { Reservations } from './reservations/reservations.ts';
import type { Services } from './services.ts';

/** What tests change. */
export interface WriteSideOverrides {
  readonly faults?: Faults;
  /** How long an attempt at a unique key may take before others look after it. */
  readonly reservationLeaseMs?: number;
  /** How long a command that died keeps its Idempotency-Key from being taken over. */
  readonly idempotencyLeaseSeconds?: number;
}

export interface WriteSide {
  readonly streams: Streams;
  readonly reservations: Reservations;
  readonly idempotency: Idempotency;
  readonly idempotencyLeaseSeconds: number;
  readonly services: Services;
  readonly runner: CommandRunner;
  /** Every command's route. */
  readonly routes: readonly BoundRoute[];
  /** The permissions of a user, from the user's own stream read to its end. */
  permissionsOf(userId: string): Promise<ReadonlySet<Permission>>;
}

/** Remembered states: so many, and about so many bytes. */
const CACHE = { maxEntries: 50_000, maxBytes: 128 * 1024 * 1024 };

export async function createWriteSide(
  config: Config,
  platform: Platform,
  releasers: Releasers,
  overrides: WriteSideOverrides,
): Promise<WriteSide> {
  const { log, hash, pool, logger } = platform;
  const { faults = () => undefined, reservationLeaseMs, idempotencyLeaseSeconds = LEASE_SECONDS } = overrides;
  const streams = createStreams(log, CACHE);
  const reservations = new Reservations({
    log,
    hash,
    ...(reservationLeaseMs === undefined ? {} : { leaseMs: reservationLeaseMs }),
  });
  releasers.add(() => reservations.drain());
  const table = createIdempotencyTable(pool, idempotencyLeaseSeconds);
  const idempotency = createIdempotency({ table, hash, logger });
  releasers.add(() => idempotency.drain());
  const services = await createServices(config, platform);
  const permissionsOf = async (userId: string): Promise<ReadonlySet<Permission>> => {
    const { state } = (await streams.load(streamOf(users, userId))).snapshot;
    return new Set(state.status === 'registered' ? state.permissions : []);
  };
  const runner = createCommandRunner({ log, streams, reservations, services, permissionsOf, faults });
  const commands = await discover(
    new URL('./', import.meta.url),
    '.commands.ts',
    ofKind<'command', AnyCommand>('command'),
  );
  const { publicUrl } = config;
  const routes = commands.map((command) => bindCommand(command, { runner, idempotency, publicUrl, faults }));
  return {
    streams,
    reservations,
    idempotency,
    idempotencyLeaseSeconds,
    services,
    runner,
    routes,
    permissionsOf,
  };
}

async function createServices(config: Config, { pool }: Platform): Promise<Services> {
  return {
    passwords: await createPasswordHasher(),
    passwordPolicy: {
      rules: config.passwordRules,
      minLength: config.passwordMinLength,
      common: commonPasswords,
    },
    credentials: createCredentials(pool),
    titleRules: { prohibitedWords: config.titleProhibitedWords, pattern: config.titlePattern ?? null },
  };
}
