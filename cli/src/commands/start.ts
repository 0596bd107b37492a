/** `annals start`: the local profile, until Ctrl-C. */
import { join, resolve } from 'node:path';
import { loadConfig } from '@annals/platform/config/config';
import { throttleFields, toLimits } from '@annals/platform/http/throttle';
import { Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { callerEnvironment, ownVariables } from '../config.ts';
import { knownVariables, localThrottles, tuningFrom } from '../local/environment.ts';
import { layoutFrom, MAX_REPLICAS } from '../local/layout.ts';
import { createLogSink } from '../local/log-sink.ts';
import type { Stack } from '../local/stack.ts';
import { makeDataFolder } from '../local/stack-lock.ts';
import { startStack } from '../local/supervisor.ts';
import { dataOption } from '../locate.ts';
import type { Output } from '../output.ts';
import { onSignals } from '../signals.ts';

/** The highest gateway port that leaves room for the others. */
const MAX_PORT = 64_400;

export interface StartOptions {
  readonly port: number;
  readonly host: string;
  readonly data: string;
  readonly log: 'files' | 'console';
  readonly replicas: number;
  readonly json?: boolean;
}

/** Adds `start`'s options, for the commands that start a stack. */
export function withStartOptions(command: Command): Command {
  return command
    .option(
      '--port <port>',
      "the gateway's port; the other ports follow from it",
      wholeNumber(1, MAX_PORT),
      8080,
    )
    .option('--host <address>', 'what the gateway listens on; everything else stays on loopback', '127.0.0.1')
    .addOption(dataOption())
    .addOption(
      new Option(
        '--log <where>',
        'files: logs/ in the data folder, errors here, too; console: everything here, too',
      )
        .choices(['files', 'console'])
        .default('files'),
    )
    .option('--replicas <count>', 'processes of each service', wholeNumber(1, MAX_REPLICAS), 1)
    .option('--json', 'print one line of JSON when ready');
}

/** The command. */
export function startCommand(output: Output): Command {
  return withStartOptions(new Command('start'))
    .description('start PostgreSQL, all services and the gateway; Ctrl-C stops them')
    .action(async (options: StartOptions) => {
      await runStack(options, output, async () => undefined);
    });
}

/**
 * Starts the stack, does `work` on it, and keeps it running until a signal. Resolves when all is stopped. A further
 * signal, a second or more after the first, ends everything at once.
 */
export async function runStack(
  options: StartOptions,
  output: Output,
  work: (stack: Stack, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const aborter = new AbortController();
  let stack: Stack | undefined;
  const stopped = onSignals({
    first: () => {
      output.note('\nStopping …');
      aborter.abort();
    },
    second: () => stack?.kill(),
  });
  const startedAt = performance.now();
  const known = await knownVariables();
  const tuning = tuningFrom(callerEnvironment(), known, ownVariables);
  const dataFolder = resolve(options.data);
  await makeDataFolder(dataFolder);
  const log = await createLogSink({
    folder: join(dataFolder, 'logs'),
    show: output.note,
    showAll: options.log === 'console',
  });
  try {
    stack = await startStack({
      dataFolder,
      layout: layoutFrom(options.port, options.replicas),
      host: options.host,
      env: callerEnvironment(),
      tuning,
      known,
      log,
      say: output.note,
      signal: aborter.signal,
    });
    announce(stack, options, output, performance.now() - startedAt);
    await work(stack, aborter.signal);
    await stopped;
  } catch (error) {
    if (!aborter.signal.aborted) throw error;
  } finally {
    await stack?.stop();
    await log.close();
  }
  output.note('Stopped. Data stays; start again at any time.');
}

function announce(stack: Stack, { data, json }: StartOptions, output: Output, tookMs: number): void {
  const dataFolder = resolve(data);
  if (json) {
    output.json({ ready: true, url: stack.url, data: dataFolder, cluster: stack.clusterElsewhere });
    return;
  }
  const elsewhere = stack.clusterElsewhere
    ? [`               PostgreSQL: ${stack.clusterElsewhere} (its user cannot reach the data folder)`]
    : [];
  for (const line of [
    '',
    `Annals is ready, after ${(tookMs / 1_000).toFixed(1)} s.`,
    '',
    `  API          ${stack.url}/v1`,
    `  Try it       ${stack.url}/docs`,
    `  OpenAPI      ${stack.url}/openapi.json`,
    `  Sockets      ${stack.url.replace(/^http/, 'ws')}/v1/push (subprotocol annals.v1)`,
    `  Health       ${stack.url}/health`,
    `  Data         ${dataFolder}`,
    ...(callerEnvironment().ANNALS_EVENTSTORE_URL
      ? ['  Event log    in EventStoreDB (ANNALS_EVENTSTORE_URL)']
      : []),
    ...elsewhere,
    `  Logs         ${join(dataFolder, 'logs')}`,
    `  Limits       ${limits()}`,
    `  Topics       ${topics()}`,
    '',
    'Ctrl-C stops everything.',
  ]) {
    output.line(line);
  }
}

function topics(): string {
  const brokers = callerEnvironment().ANNALS_KAFKA_BROKERS;
  return brokers ? `relayed to ${brokers}` : 'off: ANNALS_KAFKA_BROKERS says which Kafka to relay to';
}

/** What a stack that is started from this environment allows its callers, for people. */
export function limits(): string {
  const throttles = z.object(throttleFields);
  const env = Object.fromEntries(
    Object.entries(callerEnvironment()).filter(([name]) => name.startsWith('ANNALS_THROTTLE_')),
  );
  const { read, write, login, refresh } = toLimits(loadConfig(throttles, { ...localThrottles, ...env }));
  return `per caller and minute: ${read.perMinute} reads, ${write.perMinute} writes, ${login.perMinute} log-ins, ${refresh.perMinute} refreshes (ANNALS_THROTTLE_READ, _WRITE, _LOGIN, _REFRESH)`;
}

function wholeNumber(min: number, max: number) {
  return (text: string): number => {
    const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max))
      throw new InvalidArgumentError(`must be a number from ${min} to ${max}.`);
    return value;
  };
}
