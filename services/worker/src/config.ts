/** The worker's configuration. */
import { resolve } from 'node:path';
import {
  hmacKey,
  httpUrl,
  masterKey,
  serviceFields,
  token,
  wholeNumber,
} from '@annals/platform/config/common';
import { loadConfig } from '@annals/platform/config/config';
import { z } from 'zod';

const settings = z.object({
  ...serviceFields,
  /** What clients see: links in mails lie below it. */
  publicUrl: httpUrl,
  masterKey,
  /** Signs the tokens in mails. */
  hmacKey,
  /** The page that links in mails lead to; the token follows after `#`. Default: the API's own. */
  accountUrl: httpUrl.optional(),
  /** Internal base URL of command-api. */
  commandApiUrl: httpUrl,
  /** Internal base URL of query-api. */
  queryApiUrl: httpUrl,
  /** What the worker shows to other services. */
  serviceToken: token,
  /** Days after which a draft that nobody touched is deleted [P14]. */
  draftsKeptDays: wholeNumber(1, 3_650).default(30),
  /** Mails become `.eml` files here (a relative path counts from the working folder) … */
  mailFolder: z
    .string()
    .transform((path) => resolve(path))
    .optional(),
  /** … or go to this server: `smtp://` or `smtps://`. One of the two. */
  smtpUrl: z.url({ protocol: /^smtps?$/, error: 'must be an smtp or smtps URL' }).optional(),
  /** The sender: an address, or `Name <address>`. */
  mailFrom: z
    .string()
    .regex(/^[^\r\n<>]*<[^\s<>@]+@[^\s<>@]+>$|^[^\s<>@]+@[^\s<>@]+$/, 'must be an address, or Name <address>')
    .default('Annals <annals@localhost>'),
});

/** Checked together with the rest, so that every mistake is reported at once. */
const oneWayOut = (input: { mailFolder?: unknown; smtpUrl?: unknown }) =>
  (input.mailFolder === undefined) !== (input.smtpUrl === undefined);

export const configSchema = settings.refine(oneWayOut, {
  path: ['mailFolder'],
  message: 'set this or ANNALS_SMTP_URL, not both',
  when: () => true,
});

export type Config = Readonly<z.output<typeof configSchema>>;

/** Reads the process's environment; throws a `ConfigError` that lists every mistake. */
export function readConfig(): Config {
  return loadConfig(configSchema, process.env);
}
