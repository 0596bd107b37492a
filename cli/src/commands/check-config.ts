/** `annals check-config`: does an environment suit the services, before they are started with it. */
import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { ConfigError, type Environment, loadConfig } from '@annals/platform/config/config';
import { Argument, Command } from 'commander';
import { callerEnvironment, ownVariables } from '../config.ts';
import { configSchemaOf, knownTo, knownVariables } from '../local/environment.ts';
import { type LocalService, serviceNames } from '../local/layout.ts';
import type { Output } from '../output.ts';

interface CheckOptions {
  readonly envFile?: string;
  readonly json?: boolean;
}

/** The command; exits with 1 where there is a mistake. */
export function checkConfigCommand(output: Output): Command {
  return new Command('check-config')
    .description(
      'validate the environment of one service, or of all from one environment, listing every mistake',
    )
    .addArgument(new Argument('[service]', 'default: all').choices([...serviceNames]))
    .option('--env-file <file>', 'read the variables from this file instead of the environment')
    .option('--json', 'print JSON')
    .action(async (service: LocalService | undefined, options: CheckOptions) => {
      const env = options.envFile ? parseEnv(await readFile(options.envFile, 'utf8')) : callerEnvironment();
      const mistakes = service
        ? { [service]: await check(service, settingsOf(env)) }
        : await checkAll(settingsOf(env));
      const isValid = Object.values(mistakes).every((list) => list.length === 0);
      if (options.json) output.json({ isValid, mistakes });
      else print(mistakes, output);
      if (!isValid) process.exitCode = 1;
    });
}

type Mistakes = Record<string, readonly string[]>;

function settingsOf(env: Environment): Environment {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => name.startsWith('ANNALS_') && !ownVariables.has(name)),
  );
}

/** Each service is checked with what it knows; what none knows is a mistake of its own. */
async function checkAll(env: Environment): Promise<Mistakes> {
  const known = await knownVariables();
  const all = new Set(Object.values(known).flatMap((variables) => [...variables]));
  const unknown = Object.keys(env).filter((name) => !all.has(name));
  const perService = await Promise.all(
    serviceNames.map(
      async (service) => [service, await check(service, knownTo(service, env, known))] as const,
    ),
  );
  return {
    ...Object.fromEntries(perService),
    ...(unknown.length > 0 ? { 'any service': unknown.map((name) => `${name}: no such setting`) } : {}),
  };
}

async function check(service: LocalService, env: Environment): Promise<readonly string[]> {
  try {
    loadConfig(await configSchemaOf(service), env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
}

function print(mistakes: Mistakes, output: Output): void {
  for (const [service, list] of Object.entries(mistakes)) {
    output.line(list.length === 0 ? `${service}: valid` : `${service}:`);
    for (const mistake of list) output.line(`  ${mistake}`);
  }
}
