/** The notifier's configuration. */
import { edgeFields, httpUrl, serviceFields, token } from '@annals/platform/config/common';
import { loadConfig } from '@annals/platform/config/config';
import { z } from 'zod';

export const configSchema = z.object({
  ...serviceFields,
  ...edgeFields,
  /** Internal base URLs of the services that it asks. */
  commandApiUrl: httpUrl,
  queryApiUrl: httpUrl,
  /** What it shows them. */
  serviceToken: token,
});

export type Config = Readonly<z.output<typeof configSchema>>;

/** Reads the process's environment; throws a `ConfigError` that lists every mistake. */
export function readConfig(): Config {
  return loadConfig(configSchema, process.env);
}
