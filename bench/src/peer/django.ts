/** The Django peer (`bench/peers/django`) as a process of its own. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from '@annals/cli/local/free-port';
import { repositoryFolder } from '@annals/cli/local/layout';

const folder = join(repositoryFolder, 'bench', 'peers', 'django');
/** Its packages, with their versions. */
export const requirementsFile = join(folder, 'requirements.txt');

/** The version of a Python that the peer can run on; null where there is none. */
export async function findPython(): Promise<string | null> {
  const probe =
    'import sys, venv, ensurepip; print(sys.version.split()[0] if sys.version_info >= (3, 10) else "")';
  const { stdout } = await promisify(execFile)('python3', ['-c', probe]).catch(() => ({ stdout: '' }));
  return stdout.trim() || null;
}

export interface DjangoPeer {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts it on a database, which it migrates; resolves when it answers. The first start installs what it needs.
 * `cacheSeconds`: for how long lists and details are answered from Django's cache; 0: never.
 */
export async function startDjango(databaseUrl: string, cacheSeconds = 0): Promise<DjangoPeer> {
  const [port = 0] = await freePorts(1);
  const args = ['--database', databaseUrl, '--port', String(port), '--cache', String(cacheSeconds)];
  const child = spawn('python3', [join(folder, 'start.py'), ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await ended;
  };
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/v1/articles?pageSize=1`).catch(() => null))?.ok) {
    if (child.exitCode !== null) throw new Error('the Django peer ended before it was ready');
    await sleep(100);
  }
  return { url, stop };
}
