/** The whole stack for end-to-end tests: every process real, under the supervisor that `annals start` uses. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { callerEnvironment } from '@annals/cli/config';
import { knownVariables } from '@annals/cli/local/environment';
import { freePorts } from '@annals/cli/local/free-port';
import { type LocalService, layoutOf, portCount } from '@annals/cli/local/layout';
import { createLogSink } from '@annals/cli/local/log-sink';
import { startStack } from '@annals/cli/local/supervisor';
import { temporaryFolder } from './servers/temporary-folder.ts';

export interface TestStackOptions {
  /** Processes of each service. Default 1. */
  readonly replicas?: number;
  /** `ANNALS_*` variables for whichever service knows them, e.g. `{ ANNALS_THROTTLE_WRITE: '5' }`. */
  readonly tuning?: Readonly<Record<string, string>>;
  /** Default: a new temporary folder, removed by `stop`. */
  readonly dataFolder?: string;
  /** PostgreSQL's. Default: fast, surviving crashes of processes though not of the machine. */
  readonly postgresSettings?: Readonly<Record<string, string>>;
}

export interface TestStack {
  /** The gateway's base URL. */
  readonly url: string;
  readonly databaseUrl: string;
  /** Mails are in `mails` below it, logs in `logs`. */
  readonly dataFolder: string;
  readonly operatorToken: string;
  /** Of the importer: a caller that holds every permission. */
  readonly serviceToken: string;
  /** The operations URL of a service's first replica. */
  opsUrl(service: LocalService): string;
  /** Process ids by name: `postgres`, `gateway`, `command-api`, `command-api-2`, … */
  pids(): Record<string, number | null>;
  /** Stops everything; removes the data folder unless the caller gave it. */
  stop(): Promise<void>;
}

/** Starts a stack on free ports; resolves when all of it is ready. */
export async function startTestStack(options: TestStackOptions = {}): Promise<TestStack> {
  const dataFolder = options.dataFolder ?? (await temporaryFolder('annals-e2e-'));
  const replicas = options.replicas ?? 1;
  const ports = await freePorts(portCount(replicas));
  const layout = layoutOf(() => ports.pop() ?? 0, replicas);
  const log = await createLogSink({
    folder: join(dataFolder, 'logs'),
    show: () => undefined,
    showAll: false,
  });
  const stack = await startStack({
    dataFolder,
    layout,
    host: '127.0.0.1',
    env: callerEnvironment(),
    tuning: options.tuning ?? {},
    known: await knownVariables(),
    log,
    say: () => undefined,
    postgresSettings: options.postgresSettings ?? { fsync: 'off', shared_buffers: '128MB' },
  });
  return {
    url: stack.url,
    databaseUrl: stack.databaseUrl,
    dataFolder,
    operatorToken: stack.secrets.operatorToken,
    serviceToken: stack.secrets.serviceTokens.importer,
    opsUrl: (service) =>
      `http://127.0.0.1:${layout.replicas.find((one) => one.service === service)?.opsPort}`,
    pids: stack.pids,
    stop: async () => {
      await stack.stop();
      await log.close();
      if (!options.dataFolder) await rm(dataFolder, { recursive: true, force: true });
    },
  };
}
