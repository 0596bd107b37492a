/** The life of a service's process: start, signals, graceful stop under a deadline, a true exit code. */
import { constants } from 'node:os';
import { ConfigError } from '../config/config.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';

/** What {@link runService} keeps running. */
export interface RunningService {
  /** Stops gracefully; called once. */
  stop(): Promise<void>;
}

export interface ServiceOptions {
  readonly name: string;
  /** Reads the configuration, composes and starts the service. Resolves once it is running. */
  readonly start: () => Promise<RunningService>;
  /** Milliseconds that a graceful stop may take. Default 25 s, below the 30 s that Kubernetes grants. */
  readonly deadlineMs?: number;
}

/** The configuration is wrong: a restart won't help. (`EX_CONFIG` of sysexits.h.) */
export const EXIT_CONFIG = 78;

const DEADLINE_MS = 25_000;

type Signal = 'SIGTERM' | 'SIGINT';

/**
 * Runs a service until SIGTERM or SIGINT, or, where the process was started with an IPC channel, until its parent is
 * gone. Exit codes: 0 after a graceful stop; 1 where start or stop fails or the deadline passes; {@link EXIT_CONFIG}
 * for a wrong configuration; 128 + the signal's number for a second signal, or one before the service was running.
 */
export async function runService({ name, start, deadlineMs = DEADLINE_MS }: ServiceOptions): Promise<void> {
  const logger = createLogger({ service: name });
  let service: RunningService | undefined;
  let isStopping = false;

  const end = (signal: Signal, reason: string): void => {
    if (!service || isStopping) process.exit(128 + constants.signals[signal]);
    isStopping = true;
    void stop(service, reason, deadlineMs, logger);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(signal, signal));
  process.on('uncaughtExceptionMonitor', (error) => logger.fatal({ err: error }, 'an error was not handled'));
  if (process.send) {
    process.on('disconnect', () => end('SIGTERM', 'the parent is gone'));
    if (!process.connected) end('SIGTERM', 'the parent is gone');
  }

  try {
    service = await start();
  } catch (error) {
    fail(error, logger);
  }
}

async function stop(
  service: RunningService,
  reason: string,
  deadlineMs: number,
  logger: Logger,
): Promise<void> {
  logger.info({ reason }, 'stopping');
  setTimeout(() => {
    logger.error({ deadlineMs }, 'the deadline for stopping has passed');
    process.exit(1);
  }, deadlineMs);
  try {
    await service.stop();
  } catch (error) {
    logger.error({ err: error }, 'stopping failed');
    process.exit(1);
  }
  logger.info('stopped');
  process.exit(0);
}

function fail(error: unknown, logger: Logger): never {
  if (error instanceof ConfigError) {
    logger.fatal({ mistakes: error.mistakes }, error.message);
    process.exit(EXIT_CONFIG);
  }
  logger.fatal({ err: error }, 'the service could not start');
  process.exit(1);
}
