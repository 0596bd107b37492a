/** Configuration from environment variables: one zod schema per service, every mistake reported at once. */
import type { z } from 'zod';

/** Environment variables as Node gives them. */
export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'ANNALS_';

/** The configuration is wrong. The message lists every mistake, and never a value: it may be a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** One line each, e.g. `ANNALS_PORT: must be a whole number`. */
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    super(['the configuration is not valid:', ...mistakes.map((mistake) => `  ${mistake}`)].join('\n'));
    this.mistakes = mistakes;
  }
}

/**
 * Reads the schema's fields from `env`: `databaseUrl` comes from `ANNALS_DATABASE_URL`; an empty variable counts as
 * not set. Throws one {@link ConfigError} that lists every mistake, `ANNALS_*` variables that the schema does not know
 * included. The result is frozen, lists in it as well.
 */
export function loadConfig<Schema extends z.ZodObject>(
  schema: Schema,
  env: Environment,
): Readonly<z.output<Schema>> {
  const fields = Object.keys(schema.shape);
  const variables = new Set(fields.map(variableOf));
  const unknown = Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !variables.has(name))
    .map((name) => `${name}: no such setting`);
  const set = fields.flatMap((field) => {
    const value = env[variableOf(field)];
    return value === undefined || value === '' ? [] : [[field, value] as const];
  });
  const parsed = schema.safeParse(Object.fromEntries(set));
  const mistakes = [
    ...(parsed.success ? [] : parsed.error.issues.map((issue) => mistakeOf(issue, set))),
    ...unknown,
  ];
  if (!parsed.success || mistakes.length > 0) throw new ConfigError(mistakes);
  for (const value of Object.values(parsed.data)) if (Array.isArray(value)) Object.freeze(value);
  return Object.freeze(parsed.data);
}

/** The environment variable of a field: `databaseUrl` gives `ANNALS_DATABASE_URL`. */
export function variableOf(field: string): string {
  return PREFIX + field.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

function mistakeOf(issue: z.core.$ZodIssue, set: readonly (readonly [string, string])[]): string {
  const field = String(issue.path[0] ?? '');
  const isMissing = field !== '' && !set.some(([name]) => name === field);
  const message = isMissing && issue.code === 'invalid_type' ? 'is required' : issue.message;
  return field === '' ? message : `${variableOf(field)}: ${message}`;
}
