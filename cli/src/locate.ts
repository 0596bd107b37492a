/** Finds the stack that a command is about: the local one, or processes elsewhere. */
import { resolve } from 'node:path';
import type { EventStoreConfig } from '@annals/platform/event-store/open';
import { Option } from 'commander';
import { z } from 'zod';
import { callerEnvironment } from './config.ts';
import { repositoryFolder } from './local/layout.ts';
import { readSecrets, type Secrets } from './local/secrets.ts';
import { type RunState, readRunState } from './local/stack-lock.ts';
import { Failure } from './output.ts';

/** The option that every command about a local stack has. */
export function dataOption(): Option {
  return new Option('--data <folder>', 'data folder of the local stack')
    .env('ANNALS_DATA_FOLDER')
    .default(resolve(repositoryFolder, '.annals'), '.annals beside package.json');
}

/** The option of commands that can operate services elsewhere. */
export function opsOption(): Option {
  return new Option(
    '--ops <url...>',
    'operations URLs of services elsewhere, instead of the local stack; needs ANNALS_OPERATOR_TOKEN',
  );
}

/** The stack that runs on `dataFolder`. Throws a {@link Failure} where none does. */
export async function runningStack(dataFolder: string): Promise<{ state: RunState; secrets: Secrets }> {
  const folder = resolve(dataFolder);
  const state = await readRunState(folder);
  if (state === null) {
    throw new Failure(
      `Annals is not running on ${folder}. Start it with npm start, or name another folder with --data.`,
    );
  }
  return { state, secrets: await readSecrets(folder) };
}

/** What operators' commands talk to. */
export interface Operated {
  readonly services: readonly { readonly service: string; readonly name: string; readonly opsUrl: string }[];
  readonly operatorToken: string;
  /** Where the event log is; null where the environment does not tell. */
  readonly eventLog: EventStoreConfig | null;
}

/** The services of the local stack, or those at `ops`. Throws a {@link Failure} where they cannot be found. */
export async function operated({ data, ops }: { data: string; ops?: readonly string[] }): Promise<Operated> {
  if (!ops) {
    const { state, secrets } = await runningStack(data);
    return {
      services: state.services,
      operatorToken: secrets.operatorToken,
      eventLog: eventLogOf(state),
    };
  }
  const { ANNALS_OPERATOR_TOKEN: operatorToken, ANNALS_DATABASE_URL: databaseUrl } = callerEnvironment();
  const eventstoreUrl = callerEnvironment().ANNALS_EVENTSTORE_URL || undefined;
  if (!operatorToken) throw new Failure('--ops needs ANNALS_OPERATOR_TOKEN in the environment');
  const eventLog = databaseUrl || eventstoreUrl ? { databaseUrl: databaseUrl ?? '', eventstoreUrl } : null;
  return { services: await Promise.all(ops.map(identify)), operatorToken, eventLog };
}

/** Where the log of a running stack is. */
export function eventLogOf({ databaseUrl, eventstoreUrl }: RunState): EventStoreConfig {
  return { databaseUrl, eventstoreUrl };
}

const live = z.looseObject({ service: z.string() });

async function identify(url: string): Promise<Operated['services'][number]> {
  const opsUrl = url.replace(/\/+$/, '');
  try {
    const response = await fetch(`${opsUrl}/health/live`, { signal: AbortSignal.timeout(5_000) });
    const { service } = live.parse(await response.json());
    return { service, name: `${service} (${opsUrl})`, opsUrl };
  } catch {
    throw new Failure(`${opsUrl} is not the operations port of a service, or does not answer`);
  }
}
