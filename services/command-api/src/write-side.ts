/** The write side: commands found in the contexts, and all that runs them. */
import { discover, ofKind } from '@annals/contracts/kit/discover';
import { streamId } from '@annals/contracts/kit/event';
import type { Permission } from '@annals/contracts/kit/route';
import type { BoundRoute } from '@annals/platform/http/types';
import type { Releasers } from '@annals/platform/lifecycle/releasers';
import { openToken } from '@annals/platform/privacy/signed-token';
import { bindCommand } from './commands/bind.ts';
import type { AnyCommand } from './commands/command.ts';
import { streamOf } from './commands/decider.ts';
import type { Faults } from './commands/faults.ts';
import { type CommandRunner, createCommandRunner } from './commands/runner.ts';
import { createStreams, type Streams } from './commands/streams.ts';
import type { Config } from './config.ts';
import { createIdempotency, type Idempotency, LEASE_SECONDS } from './idempotency/idempotency.ts';
import { createIdempotencyTable } from './idempotency/table.ts';
import { createAvatars } from './identity/avatars.ts';
import { commonPasswords } from './identity/common-passwords.ts';
import { createCredentials } from './identity/credentials.ts';
import { users } from './identity/deciders.ts';
import { key } from './identity/domain/user.ts';
import { createExports } from './identity/exports.ts';
import { createLoginGuard, type LoginGuard } from './identity/login-guard.ts';
import { createPasswordHasher } from './identity/password-hasher.ts';
import { createPasswordProof } from './identity/password-proof.ts';
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
  readonly guard: LoginGuard;
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
  const { log, hash, pool, logger, security } = platform;
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
  const userOf = async (userId: string) => (await streams.load(streamOf(users, userId))).snapshot.state;
  const guard = createGuard(config, platform);
  const services = await createServices(config, platform, { guard, userOf, reservations });
  const permissionsOf = async (userId: string): Promise<ReadonlySet<Permission>> => {
    const state = await userOf(userId);
    return new Set(state.status === 'registered' ? state.permissions : []);
  };
  const runner = createCommandRunner({ log, streams, reservations, services, permissionsOf, faults });
  const commands = await discover(
    new URL('./', import.meta.url),
    '.commands.ts',
    ofKind<'command', AnyCommand>('command'),
  );
  const { publicUrl } = config;
  const tools = { runner, idempotency, publicUrl, faults, security };
  const routes = commands.map((command) => bindCommand(command, tools));
  return {
    streams,
    reservations,
    idempotency,
    idempotencyLeaseSeconds,
    services,
    guard,
    runner,
    routes,
    permissionsOf,
  };
}

function createGuard(config: Config, { pool, hash, security }: Platform): LoginGuard {
  return createLoginGuard({
    pool,
    hash,
    lockAfter: config.loginLockAfter,
    networkLockAfter: config.loginNetworkLockAfter,
    lockMinutes: config.loginLockMinutes,
    onLocked: (reason, address) => security.tell('log-in', 'locked', { address, reason }),
  });
}

async function createServices(
  config: Config,
  { pool, keys, security }: Platform,
  { guard, userOf, reservations }: Pick<WriteSide, 'guard' | 'reservations'> & Pick<Services, 'userOf'>,
): Promise<Services> {
  const passwords = await createPasswordHasher();
  const credentials = createCredentials(pool);
  return {
    passwords,
    passwordPolicy: {
      rules: config.passwordRules,
      minLength: config.passwordMinLength,
      common: commonPasswords,
    },
    credentials,
    exports: createExports(pool, keys),
    avatars: createAvatars(pool, keys),
    provePassword: createPasswordProof({ guard, credentials, passwords, security }),
    userOf,
    forgive({ username, email }, address) {
      const keys = [key('username', username), key('email', email)];
      return guard.forgive(
        keys.map((one) => streamId(reservations.streamOf(one))),
        address,
      );
    },
    openToken: (purpose, token) => openToken(config.hmacKey, purpose, token, new Date()),
    titleRules: { prohibitedWords: config.titleProhibitedWords, pattern: config.titlePattern ?? null },
  };
}
