/** The query-api's configuration. */
import {
  commaList,
  databaseUrl,
  edgeFields,
  httpUrl,
  mongodbUrl,
  serviceFields,
  serviceTokens,
  token,
  wholeNumber,
} from '@annals/platform/config/common';
import { loadConfig } from '@annals/platform/config/config';
import { throttleFields } from '@annals/platform/http/throttle';
import { z } from 'zod';

export const configSchema = z.object({
  ...serviceFields,
  ...edgeFields,
  ...throttleFields,
  /** Read replicas of the database: lists and documents are read there. */
  readDatabaseUrl: commaList(databaseUrl).default([]),
  mongodbUrl,
  /** Memory for answers that are kept, in bytes; 0: none are. */
  cacheBytes: wholeNumber(0, 16 * 1024 ** 3).default(64 * 1024 ** 2),
  /** Internal base URL: public keys, and sessions while the access view lags. */
  commandApiUrl: httpUrl,
  /** The services that may ask for what is internal. */
  serviceTokens,
  /** What it shows command-api. */
  serviceToken: token,
});

export type Config = Readonly<z.output<typeof configSchema>>;

/** Reads the process's environment; throws a `ConfigError` that lists every mistake. */
export function readConfig(): Config {
  return loadConfig(configSchema, process.env);
}
