/** Configuration of command-api. */
import {
  commaList,
  edgeFields,
  hmacKey,
  jwtPrivateKey,
  masterKey,
  serviceFields,
  serviceTokens,
  wholeNumber,
} from '@annals/platform/config/common';
import { loadConfig } from '@annals/platform/config/config';
import { throttleFields } from '@annals/platform/http/throttle';
import { z } from 'zod';
import { passwordRules } from './identity/domain/password-policy.ts';

export const configSchema = z.object({
  ...serviceFields,
  ...edgeFields,
  ...throttleFields,
  masterKey,
  hmacKey,
  jwtPrivateKey,
  serviceTokens,
  /** Which rules a password must keep [I2]. */
  passwordRules: commaList()
    .pipe(z.array(z.enum(passwordRules)))
    .default([...passwordRules]),
  /** Characters that a password must have. */
  passwordMinLength: wholeNumber(8, 128).default(12),
  /** Failed log-ins at one account from one network, within an hour, that lock it for that network [I4] … */
  loginLockAfter: wholeNumber(2, 10_000_000).default(10),
  /** … and those from one network at any account that lock the network, … */
  loginNetworkLockAfter: wholeNumber(2, 10_000_000).default(100),
  /** … each for so long. */
  loginLockMinutes: wholeNumber(1, 1_440).default(15),
  /** How long the login log remembers. */
  loginLogDays: wholeNumber(1, 3_650).default(90),
  /** From one look for what has expired (sessions, tokens, exports, answers of commands) to the next [I9]. */
  sweepSeconds: wholeNumber(1, 86_400).default(600),
  /** Words that no title may contain [P1]. */
  titleProhibitedWords: commaList().default(['spam', 'scam', 'viagra']),
  /** A regular expression that the whole of every title must match, for deployments that want a stricter set. */
  titlePattern: z
    .string()
    .refine(isPattern, 'must be a regular expression')
    .transform((source) => new RegExp(`^(?:${source})$`, 'u'))
    .optional(),
});

export type Config = Readonly<z.output<typeof configSchema>>;

/** Reads the process's environment; throws a `ConfigError` that lists every mistake. */
export function readConfig(): Config {
  return loadConfig(configSchema, process.env);
}

function isPattern(source: string): boolean {
  try {
    return new RegExp(source, 'u').source !== '';
  } catch {
    return false;
  }
}
