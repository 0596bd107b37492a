/** The environment of each process of the local profile. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError, type Environment, variableOf } from '@annals/platform/config/config';
import { z } from 'zod';
import { type Layout, type LocalService, mainFileOf, type Replica, serviceNames } from './layout.ts';
import { type Secrets, serviceCallers } from './secrets.ts';

export interface StackSettings {
  readonly layout: Layout;
  readonly dataFolder: string;
  readonly databaseUrl: string;
  readonly secrets: Secrets;
  /** What clients see, e.g. `http://127.0.0.1:8080`. */
  readonly publicUrl: string;
  /** `ANNALS_*` variables for whichever service knows them, e.g. `ANNALS_THROTTLE_WRITE`. */
  readonly tuning: Environment;
}

/** The variables that each service knows. */
export type KnownVariables = Readonly<Record<LocalService, ReadonlySet<string>>>;

const PREFIX = 'ANNALS_';

/**
 * Throttles of the local profile, generous: a minute allows so much, an hour 20 times as much. Everybody calls from one
 * network there.
 */
export const localThrottles: Environment = {
  ANNALS_THROTTLE_READ: '6000',
  ANNALS_THROTTLE_WRITE: '1200',
  ANNALS_THROTTLE_LOGIN: '60',
  ANNALS_THROTTLE_REFRESH: '600',
};

/** Failed log-ins from that one network are everybody's. */
const localLocks: Environment = { ANNALS_LOGIN_NETWORK_LOCK_AFTER: '1000' };

/** Reads the services' configuration schemas. */
export async function knownVariables(): Promise<KnownVariables> {
  const entries = await Promise.all(
    serviceNames.map(async (service) => {
      const { shape } = await configSchemaOf(service);
      return [service, new Set(Object.keys(shape).map(variableOf))] as const;
    }),
  );
  return Object.fromEntries(entries) as Record<LocalService, Set<string>>;
}

/** The schema that a service validates its configuration with. */
export async function configSchemaOf(service: LocalService): Promise<z.ZodObject> {
  const file = new URL('./config.ts', pathToFileURL(mainFileOf(service)));
  const { configSchema } = (await import(file.href)) as { configSchema?: unknown };
  if (!(configSchema instanceof z.ZodObject)) throw new Error(`${file.pathname} exports no configSchema`);
  return configSchema;
}

/** The `ANNALS_*` variables of `env` but for `others`; throws a {@link ConfigError} for those that no service knows. */
export function tuningFrom(
  env: Environment,
  known: KnownVariables,
  others: ReadonlySet<string>,
): Environment {
  const all = new Set(Object.values(known).flatMap((variables) => [...variables]));
  const tuning = Object.entries(env).filter(([name]) => name.startsWith(PREFIX) && !others.has(name));
  const mistakes = tuning.filter(([name]) => !all.has(name)).map(([name]) => `${name}: no such setting`);
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return Object.fromEntries(tuning);
}

/** The `ANNALS_*` variables of one process: what the stack decides, then what was tuned, as far as it knows them. */
export function environmentOf(replica: Replica, settings: StackSettings, known: KnownVariables): Environment {
  const { secrets, layout, tuning } = settings;
  const pool: Record<string, string | undefined> = {
    ANNALS_MAIL_FOLDER: join(settings.dataFolder, 'mails'),
    ANNALS_ALLOWED_ORIGINS: settings.publicUrl,
    ...localThrottles,
    ...localLocks,
    ...tuning,
    ANNALS_DATABASE_URL: settings.databaseUrl,
    ANNALS_HOST: '127.0.0.1',
    ANNALS_PORT: replica.port === null ? undefined : String(replica.port),
    ANNALS_OPS_PORT: String(replica.opsPort),
    ANNALS_PUBLIC_URL: settings.publicUrl,
    ...secretVariables(replica.service, secrets),
    ANNALS_COMMAND_API_URL: internalUrl('command-api', layout),
    ANNALS_QUERY_API_URL: internalUrl('query-api', layout),
  };
  if (tuning.ANNALS_SMTP_URL) delete pool.ANNALS_MAIL_FOLDER;
  return knownTo(replica.service, pool, known);
}

/** Those of `variables` that are set and that the service knows. */
export function knownTo(service: LocalService, variables: Environment, known: KnownVariables): Environment {
  return Object.fromEntries(
    Object.entries(variables).filter(([name, value]) => value !== undefined && known[service].has(name)),
  );
}

/** The variables that carry secrets, for one service; it may not know all of them. */
export function secretVariables(service: LocalService, secrets: Secrets): Environment {
  return {
    ANNALS_OPERATOR_TOKEN: secrets.operatorToken,
    ANNALS_MASTER_KEY: secrets.masterKey,
    ANNALS_HMAC_KEY: secrets.hmacKey,
    ANNALS_JWT_PRIVATE_KEY: secrets.jwtPrivateKey,
    ANNALS_SERVICE_TOKENS: serviceCallers.map((name) => `${name}=${secrets.serviceTokens[name]}`).join(','),
    ANNALS_SERVICE_TOKEN: serviceTokenOf(service, secrets),
  };
}

function serviceTokenOf(service: LocalService, { serviceTokens }: Secrets): string | undefined {
  const caller = serviceCallers.find((name) => name === service);
  return caller && serviceTokens[caller];
}

/** Where a service's replicas are reached by others: the internal gateway, or the one replica that there is. */
function internalUrl(service: LocalService, { internalPort, replicas }: Layout): string {
  if (internalPort !== null) return `http://127.0.0.1:${internalPort}/${service}`;
  const replica = replicas.find((candidate) => candidate.service === service);
  return `http://127.0.0.1:${replica?.port}`;
}
