/** Data folders with secrets and an initialised PostgreSQL in them: made once, then copied, since making takes seconds. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cp, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from '@annals/cli/local/free-port';
import { repositoryFolder } from '@annals/cli/local/layout';
import { findPostgresHome } from '@annals/cli/local/postgres-home';
import { startPostgres } from '@annals/cli/local/postgres-server';
import { ensureSecrets } from '@annals/cli/local/secrets';
import { temporaryFolder } from './temporary-folder.ts';

/** A new temporary folder in which a stack, or a PostgreSQL with the password of its secrets, starts at once. */
export async function preparedFolder(prefix: string): Promise<string> {
  const folder = await temporaryFolder(prefix);
  const { binary, cluster } = await homeOf(folder);
  const { stdout } = await execute(binary, ['--version']);
  const template = join(repositoryFolder, '.annals', 'test-data', stdout.trim().replaceAll(/[^\w.]+/g, '-'));
  if ((await stat(template).catch(() => null)) === null) await make(template);
  await cp(join(template, 'secrets'), join(folder, 'secrets'));
  await copyCluster((await homeOf(template)).cluster, cluster);
  return folder;
}

/** Copies the data of a PostgreSQL that does not run. Owners are kept: they run the server. */
export async function copyCluster(from: string, to: string): Promise<void> {
  await execute('cp', ['-a', from, to]);
}

/** Beside its place and renamed, since several may do so at once: the first one's stays. */
async function make(template: string): Promise<void> {
  const fresh = `${template}.${randomUUID()}`;
  await mkdir(dirname(template), { recursive: true, mode: 0o711 });
  const [port = 0] = await freePorts(1);
  await mkdir(fresh, { mode: 0o711 });
  const { postgresPassword: password } = await ensureSecrets(fresh);
  const server = await startPostgres({ dataFolder: fresh, port, password, settings: { fsync: 'off' } });
  await server.stop();
  await rename(fresh, template).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    await rm(server.cluster, { recursive: true });
    await rm(fresh, { recursive: true, force: true });
  });
}

async function homeOf(dataFolder: string): Promise<{ binary: string; cluster: string }> {
  const { postgres, cluster } = await findPostgresHome(dataFolder);
  return { binary: postgres, cluster };
}

const execute = promisify(execFile);
