/** The whole stack for tests: every process real, under the supervisor that `annals start` uses. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { callerEnvironment } from '@annals/cli/config';
import { knownVariables } from '@annals/cli/local/environment';
import { freePorts } from '@annals/cli/local/free-port';
import { type Layout, type LocalService, layoutOf, portCount } from '@annals/cli/local/layout';
import { createLogSink } from '@annals/cli/local/log-sink';
import type { StackOptions } from '@annals/cli/local/stack';
import { startStack } from '@annals/cli/local/supervisor';
import type { EventStoreConfig } from '@annals/platform/event-store/open';
import { isProductionStack } from './config.ts';
import { createFaults, type FaultOptions, type Faults, faultyMainFileOf } from './faults/faults.ts';
import { preparedFolder } from './servers/prepared-folder.ts';
import { startProductionServers } from './servers/production.ts';
import { controlStack, type StackControl } from './stack-control.ts';

export interface TestStackOptions {
  /** Processes of each service. Default 1. */
  readonly replicas?: number;
  /** `ANNALS_*` variables for whichever service knows them, e.g. `{ ANNALS_THROTTLE_WRITE: '5' }`. */
  readonly tuning?: Readonly<Record<string, string>>;
  /**
   * Where the event log (`esdb://…`) and documents are. Default: in the stack's PostgreSQL; with
   * `ANNALS_TEST_STACK=production`, where neither is given, on servers of its own, with topics in a Kafka as well.
   */
  readonly eventstoreUrl?: string;
  readonly mongodbUrl?: string;
  /** Default: a new temporary folder, removed by `stop`. */
  readonly dataFolder?: string;
  /** PostgreSQL's, beside those that make it fast. */
  readonly postgresSettings?: Readonly<Record<string, string>>;
  /** PostgreSQL survives a SIGKILL. Default false: it is fast. */
  readonly isDurable?: boolean;
  /** What the processes' environment holds besides, e.g. `NODE_OPTIONS`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Processes that {@link TestStack.faults} can make fail; they are restarted at once. Default false. */
  readonly faults?: boolean | FaultOptions;
}

/** Where a stack runs, and what lets one in: JSON, for other processes. */
export interface StackAddress extends EventStoreConfig {
  readonly layout: Layout;
  /** The gateway's base URL. */
  readonly url: string;
  /** Null where documents are in PostgreSQL. */
  readonly mongodbUrl: string | null;
  /** Mails are in `mails` below it, logs in `logs`. */
  readonly dataFolder: string;
  readonly operatorToken: string;
  /** Of the importer: a caller that holds every permission. */
  readonly serviceToken: string;
  /** The key that wraps personal data's keys. */
  readonly masterKey: string;
}

export interface TestStack extends Omit<StackAddress, 'layout'>, StackControl {
  readonly address: StackAddress;
  /** Throws unless the stack was started with faults. */
  readonly faults: Faults;
  /** The operations URL of a replica, by default the first. */
  opsUrl(service: LocalService, replica?: number): string;
  /** The main URL of a replica, by default the first: without the gateway between. */
  mainUrl(service: LocalService, replica?: number): string;
  /** Process ids by name: `postgres`, `gateway`, `command-api`, `command-api-2`, … */
  pids(): Record<string, number | null>;
  /** Stops everything; removes the data folder unless the caller gave it. */
  stop(): Promise<void>;
}

/** Starts a stack on free ports; resolves when all of it is ready. */
export async function startTestStack(options: TestStackOptions = {}): Promise<TestStack> {
  const dataFolder = options.dataFolder ?? (await preparedFolder('annals-e2e-'));
  const replicas = options.replicas ?? 1;
  const ports = await freePorts(portCount(replicas));
  const layout = layoutOf(() => ports.pop() ?? 0, replicas);
  const log = await createLogSink({
    folder: join(dataFolder, 'logs'),
    show: () => undefined,
    showAll: false,
  });
  const faults = openFaults(options, dataFolder, layout);
  const isGiven = options.eventstoreUrl !== undefined || options.mongodbUrl !== undefined;
  const servers = isProductionStack && !isGiven ? await startProductionServers() : null;
  const { eventstoreUrl, mongodbUrl } = servers ?? options;
  const stack = await startStack({
    dataFolder,
    layout,
    host: '127.0.0.1',
    env: { ...callerEnvironment(), ...options.env },
    tuning: {
      ...options.tuning,
      ...(eventstoreUrl === undefined ? {} : { ANNALS_EVENTSTORE_URL: eventstoreUrl }),
      ...(mongodbUrl === undefined ? {} : { ANNALS_MONGODB_URL: mongodbUrl }),
      ...(servers === null ? {} : { ANNALS_KAFKA_BROKERS: servers.kafkaBroker }),
    },
    known: await knownVariables(),
    log,
    say: () => undefined,
    postgresSettings: {
      ...(options.isDurable ? {} : { fsync: 'off' }),
      shared_buffers: '128MB',
      ...options.postgresSettings,
    },
    ...faults?.stackOptions,
  });
  const { url, databaseUrl, pids, secrets } = stack;
  return reachStack(
    {
      layout,
      url,
      databaseUrl,
      eventstoreUrl,
      mongodbUrl: mongodbUrl ?? null,
      dataFolder,
      operatorToken: secrets.operatorToken,
      serviceToken: secrets.serviceTokens.importer,
      masterKey: secrets.masterKey,
    },
    {
      pids,
      faults: faults?.faults ?? null,
      stop: async () => {
        await stack.stop();
        await servers?.remove();
        await log.close();
        if (!options.dataFolder) await rm(dataFolder, { recursive: true, force: true });
      },
    },
  );
}

/** What tests do to the stack that runs at `address`. */
export function reachStack(
  address: StackAddress,
  { pids, faults, stop }: Pick<TestStack, 'pids' | 'stop'> & { readonly faults: Faults | null },
): TestStack {
  const { layout, ...told } = address;
  const urlOf = (service: LocalService, number: number, which: 'port' | 'opsPort'): string => {
    const found = layout.replicas.find((one) => one.service === service && one.number === number);
    return `http://127.0.0.1:${found?.[which]}`;
  };
  return {
    ...controlStack({ layout, url: told.url, databaseUrl: told.databaseUrl, pids }),
    ...told,
    address,
    get faults() {
      if (!faults) throw new Error('the stack was started without faults');
      return faults;
    },
    opsUrl: (service, replica = 1) => urlOf(service, replica, 'opsPort'),
    mainUrl: (service, replica = 1) => urlOf(service, replica, 'port'),
    pids,
    stop,
  };
}

const FAULTY_BACKOFF_MS = 50;

/** Where the processes of a stack with faults are told of them. */
export const faultsFolderOf = (dataFolder: string): string => join(dataFolder, 'faults');

function openFaults(
  { faults = false, env = {} }: TestStackOptions,
  dataFolder: string,
  layout: Layout,
): { faults: Faults; stackOptions: Pick<StackOptions, 'env' | 'mainFile' | 'longestBackoffMs'> } | null {
  if (faults === false) return null;
  const folder = faultsFolderOf(dataFolder);
  return {
    faults: createFaults(folder, layout, faults === true ? {} : faults),
    stackOptions: {
      env: { ...callerEnvironment(), ...env, TEST_FAULTS_FOLDER: folder },
      mainFile: faultyMainFileOf,
      longestBackoffMs: FAULTY_BACKOFF_MS,
    },
  };
}
