/** `docker-compose.yml`, as Docker reads it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryFolder } from '@annals/cli/local/layout';
import { parse } from 'yaml';

interface ComposeService {
  readonly build?: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: object;
  readonly networks?: Readonly<Record<string, { readonly ipv4_address: string }>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

export const composeFile = parse(readFileSync(join(repositoryFolder, 'docker-compose.yml'), 'utf8'), {
  merge: true,
}) as { readonly services: Readonly<Record<string, ComposeService>> };

/** The command line for Node and the environment of one of our services. */
export function compose(name: string): Required<Pick<ComposeService, 'command' | 'environment'>> {
  const { command = [], environment = {} } = composeFile.services[name] ?? {};
  return { command, environment };
}
