/** Finds the stack that a command is about. */
import { resolve } from 'node:path';
import { Option } from 'commander';
import { repositoryFolder } from './local/layout.ts';
import { readSecrets, type Secrets } from './local/secrets.ts';
import { type RunState, readRunState } from './local/stack-lock.ts';
import { Failure } from './output.ts';

/** The option that every command about a local stack has. */
export function dataOption(): Option {
  return new Option('--data <folder>', 'data folder of the local stack')
    .env('ANNALS_DATA_FOLDER')
    .default(resolve(repositoryFolder, '.annals'), '.annals beside package.json');
}

/** The stack that runs on `dataFolder`. Throws a {@link Failure} where none does. */
export async function runningStack(dataFolder: string): Promise<{ state: RunState; secrets: Secrets }> {
  const folder = resolve(dataFolder);
  const state = await readRunState(folder);
  if (state === null) {
    throw new Failure(
      `Annals is not running on ${folder}. Start it with npm start, or name another folder with --data.`,
    );
  }
  return { state, secrets: await readSecrets(folder) };
}
