/** The connection to Kafka: kafkajs, telling our logger, and its errors as the consumer runtime understands them. */
import { Kafka, type LogEntry, logLevel, type SASLOptions } from 'kafkajs';
import { TemporarilyUnavailable } from '../consumer/reaction.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Where Kafka is and how to be let in. */
export interface KafkaOptions {
  readonly brokers: readonly string[];
  /** `ca`: a PEM certificate to trust besides the usual ones. */
  readonly tls: { readonly ca?: string } | null;
  readonly sasl: SASLOptions | null;
  readonly logger: Logger;
}

/**
 * After a few seconds of trying a client gives up, and whoever sends decides. The first wait is short, since a
 * transaction that follows closely on another is refused until the other's end is written everywhere.
 */
const RETRY = { retries: 8, initialRetryTime: 15, multiplier: 2, maxRetryTime: 1_500 };
const CONNECTION_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 20_000;

/** A client; nothing is connected yet. */
export function createKafka({ brokers, tls, sasl, logger }: KafkaOptions): Kafka {
  return new Kafka({
    clientId: 'annals',
    brokers: [...brokers],
    ssl: tls?.ca === undefined ? tls !== null : { ca: [tls.ca] },
    ...(sasl ? { sasl } : {}),
    retry: RETRY,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => tell(logger, entry),
  });
}

/** The client complains of every attempt; what goes wrong for good is told by whoever waits for it. */
function tell(logger: Logger, { namespace, log: { message, broker, error } }: LogEntry): void {
  logger.debug({ namespace, broker, reason: error }, `Kafka: ${message}`);
}

/** What a broker refuses for ever: an operator has to look at it. */
const PERMANENT = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD']);

/** A record that Kafka does not take. */
export class RecordRefused extends Error {
  override readonly name = 'RecordRefused';
  readonly code: string;

  constructor(code: string, cause: unknown) {
    super(`Kafka refuses a record: ${code}`, { cause });
    this.code = code;
  }
}

/** The error to throw for what kafkajs threw: {@link RecordRefused}, or one after which all is tried again. */
export function toPassing(error: unknown): RecordRefused | TemporarilyUnavailable {
  const code = protocolCode(error);
  if (code !== undefined && PERMANENT.has(code)) return new RecordRefused(code, error);
  const message = error instanceof Error ? error.message : String(error);
  return new TemporarilyUnavailable(`Kafka: ${message}`, { cause: error });
}

/** The name of the broker's answer, in the error or in what caused it. */
function protocolCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return 'type' in error && typeof error.type === 'string' ? error.type : protocolCode(error.cause);
}
