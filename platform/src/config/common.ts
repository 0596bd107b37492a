/** Settings that several services share, as fields for their schemas. Every value comes as text. */
import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';
import { whyUnusable } from '../event-store/eventstoredb/connection-string.ts';
import { logLevels } from '../telemetry/logger.ts';

/** A whole number between `min` and `max`. */
export function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be between ${min} and ${max}`);
}

/** Values separated by commas; empty ones are dropped. */
export function commaList(value: z.ZodType<string, string> = z.string()) {
  return z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .pipe(z.array(value));
}

/** A TCP port; 0 lets the system choose one. */
export const port = wholeNumber(0, 65_535);

/** A base URL of HTTP, without a slash at its end. */
export const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .transform((value) => value.replace(/\/+$/, ''));

/** A secret that callers present. */
export const token = z.string().min(20, 'must have at least 20 characters');

/** A PostgreSQL database. */
export const databaseUrl = z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgresql URL' });

/** Where the event log is, if not in the database: a connection string of EventStoreDB. */
const eventstoreUrl = z.string().superRefine((url, context) => {
  const message = whyUnusable(url);
  if (message !== null) context.addIssue({ code: 'custom', message });
});

/** Every service. */
export const serviceFields = {
  databaseUrl,
  eventstoreUrl: eventstoreUrl.optional(),
  host: z.string().default('127.0.0.1'),
  opsPort: port,
  logLevel: z.enum(logLevels).default('info'),
  otlpEndpoint: httpUrl.optional(),
  operatorToken: token,
};

/** Services that clients reach: the main port, the public base URL, the browsers and proxies that are trusted. */
export const edgeFields = {
  port,
  publicUrl: httpUrl,
  allowedOrigins: commaList(httpUrl).default([]),
  allowedHosts: commaList(
    z.string().regex(/^[a-z0-9.:[\]-]+$/, 'must be host names in lower case, without ports'),
  ).default([]),
  trustedProxies: commaList(z.union([z.cidrv4(), z.cidrv6()], 'must be addresses in CIDR form')).default([
    '127.0.0.0/8',
    '::1/128',
  ]),
};

/** The database of document views; without it they live in PostgreSQL. */
export const mongodbUrl = z
  .string()
  .regex(
    /^mongodb(\+srv)?:\/\/[^\s/]+\/[^\s/?]+(\?\S*)?$/,
    'must be a mongodb URL that names a database, e.g. mongodb://host/annals',
  )
  .optional();

/** Wraps the keys of personal data. */
export const masterKey = keyMaterial();
/** Keys the hashes of unique keys and tokens. */
export const hmacKey = keyMaterial();

/** An Ed25519 private key: PKCS#8 PEM, base64-encoded; gives the PEM. */
export const jwtPrivateKey = z
  .base64('must be base64')
  .transform((value) => Buffer.from(value, 'base64').toString('utf8'))
  .refine(isEd25519, 'must be an Ed25519 private key, PKCS#8 PEM in base64');

/** `worker=<token>,notifier=<token>`: the accepted service callers, token by name. */
export const serviceTokens = commaList(
  z.string().regex(/^[a-z-]+=.{20,}$/, 'must be <service>=<token of 20 characters or more>'),
).transform((pairs): ReadonlyMap<string, string> => new Map(pairs.map(toPair)));

function toPair(text: string): [string, string] {
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}

function isEd25519(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'ed25519';
  } catch {
    return false;
  }
}

/** 32 bytes in base64. */
function keyMaterial() {
  return z
    .base64('must be base64')
    .transform((value) => Buffer.from(value, 'base64'))
    .refine((bytes) => bytes.length === 32, 'must be 32 bytes in base64');
}
