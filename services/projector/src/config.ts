/** The projector's configuration. */
import { masterKey, serviceFields } from '@annals/platform/config/common';
import { loadConfig } from '@annals/platform/config/config';
import { z } from 'zod';

export const configSchema = z.object({
  ...serviceFields,
  /** Opens the personal data that views show. */
  masterKey,
});

export type Config = Readonly<z.output<typeof configSchema>>;

/** Reads the process's environment; throws a `ConfigError` that lists every mistake. */
export function readConfig(): Config {
  return loadConfig(configSchema, process.env);
}
