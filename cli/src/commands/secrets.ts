/** `annals secrets`: what a deployment must keep to itself, as environment files. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Environment } from '@annals/platform/config/config';
import { Command, InvalidArgumentError } from 'commander';
import { knownTo, knownVariables, secretVariables } from '../local/environment.ts';
import { serviceNames } from '../local/layout.ts';
import { ensureSecrets } from '../local/secrets.ts';
import type { Output } from '../output.ts';

interface SecretsOptions {
  readonly database?: URL;
  readonly json?: boolean;
}

/** The command. Secrets are made once: those that are in the folder stay. */
export function secretsCommand(output: Output): Command {
  return new Command('secrets')
    .description(
      'make the secrets of a deployment, once, and write <service>.env and postgres-password into the folder, readable by its owner alone',
    )
    .argument('<folder>', 'is created; what it has is kept')
    .option(
      '--database <url>',
      'PostgreSQL without a password, e.g. postgresql://annals@postgres/annals: written with it',
      databaseUrl,
    )
    .option('--json', 'print JSON')
    .action(async (given: string, { database, json }: SecretsOptions) => {
      const folder = resolve(given);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const secrets = await ensureSecrets(folder);
      const known = await knownVariables();
      const shared: Environment = database
        ? { ANNALS_DATABASE_URL: withPassword(database, secrets.postgresPassword) }
        : {};
      const files = await Promise.all([
        write(join(folder, 'postgres-password'), secrets.postgresPassword),
        ...serviceNames.map((service) => {
          const variables = knownTo(service, { ...secretVariables(service, secrets), ...shared }, known);
          return write(join(folder, `${service}.env`), toText(variables));
        }),
      ]);
      if (json) output.json({ folder, files });
      else for (const file of files) output.line(file);
    });
}

function databaseUrl(text: string): URL {
  const url = URL.parse(text);
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || url.password !== '')
    throw new InvalidArgumentError('must be a postgresql URL without a password.');
  return url;
}

function withPassword(database: URL, password: string): string {
  const url = new URL(database);
  url.password = password;
  return url.href;
}

/** No value has a line break, a quote or a `#`. */
function toText(variables: Environment): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** Replaces the file as a whole; gives its path. */
async function write(file: string, content: string): Promise<string> {
  await writeFile(`${file}.new`, content, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return file;
}
