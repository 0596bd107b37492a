/**
 * `node infra/servers/install.ts kafka …`: installs real servers for tests, once per version, into the user's cache
 * folder. Prints a shell assignment for each that is there; says why on stderr, and exits with 1, where one is not.
 */
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { InstallableServer } from './server.ts';

const cache = join(homedir(), '.cache', 'annals');

/** The folder of `server`, installed where it was not. A folder that is there is whole: it is renamed when it is done. */
async function ensure(server: InstallableServer): Promise<string> {
  const folder = join(cache, `${server.name}-${server.version}`);
  if (await stat(folder).catch(() => null)) return folder;
  const unfinished = `${folder}.${process.pid}`;
  await mkdir(unfinished, { recursive: true });
  try {
    await server.install(unfinished);
    await rename(unfinished, folder);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return folder;
}

for (const name of process.argv.slice(2)) {
  const { server } = (await import(`./${name}.ts`)) as { readonly server: InstallableServer };
  try {
    process.stdout.write(`export ${server.variable}='${await ensure(server)}'\n`);
  } catch (error) {
    process.stderr.write(`${name} ${server.version} could not be installed: ${error}\n`);
    process.exitCode = 1;
  }
}
