/** What a local stack is made from, and what whoever started it holds. */
import type { Environment } from '@annals/platform/config/config';
import type { KnownVariables } from './environment.ts';
import type { Layout, LocalService } from './layout.ts';
import type { LogSink } from './log-sink.ts';
import type { Secrets } from './secrets.ts';

export interface StackOptions {
  readonly dataFolder: string;
  readonly layout: Layout;
  /** What the gateway listens on; everything else stays on loopback. */
  readonly host: string;
  /** The caller's environment, for every process but for `ANNALS_*` and `PG*`. */
  readonly env: Environment;
  /** `ANNALS_*` variables for whichever service knows them. */
  readonly tuning: Environment;
  readonly known: KnownVariables;
  readonly log: LogSink;
  /** Told what people should know, e.g. that a process died. */
  readonly say: (message: string) => void;
  /** Gives the start up; whatever runs by then is stopped. */
  readonly signal?: AbortSignal;
  /** How long everything may take to become ready. Default 120,000 ms. */
  readonly readyMs?: number;
  /** The longest wait before a process that died is started again. Default 2,000 ms. */
  readonly longestBackoffMs?: number;
  readonly postgresSettings?: Readonly<Record<string, string>>;
  /** The script of each service. Default: the real ones. */
  readonly mainFile?: (service: LocalService) => string;
}

export interface Stack {
  /** The gateway's base URL. */
  readonly url: string;
  readonly databaseUrl: string;
  readonly secrets: Secrets;
  /** Where the database is, if that is not in the data folder. */
  readonly clusterElsewhere: string | null;
  /** Process ids by name (`postgres`, `gateway`, `command-api`, …); null for what is down just now. */
  pids(): Record<string, number | null>;
  /** Resolves, with the reason, when a process cannot be kept running. */
  readonly failed: Promise<string>;
  /** Ends everything at once, without waiting for anything; what was acknowledged is safe. */
  kill(): void;
  /** Stops gateway and services (together: clients are told to leave while requests finish), then PostgreSQL. */
  stop(): Promise<void>;
}
