/** What the figures were taken on. */
import { readFile } from 'node:fs/promises';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { repositoryFolder } from '@annals/cli/local/layout';

/** Packages whose versions belong beside figures. */
const TOLD = ['pg', 'fastify', 'ws', 'zod', 'pino', '@event-driven-io/emmett-postgresql'];

/** Lines on processor, memory and versions; `postgres`: what the server says of itself, where one ran. */
export async function describeMachine(postgres: string | null): Promise<string[]> {
  const all = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const packages = await Promise.all(TOLD.map(versionOf));
  return [
    `${all.length} vCPU (${all[0]?.model.trim() ?? 'unknown'}), ${memory} GiB, ${type()} ${release()}`,
    `Node ${process.versions.node}${postgres ? `, PostgreSQL ${postgres}` : ''}`,
    packages.join(', '),
  ];
}

async function versionOf(name: string): Promise<string> {
  for (const folder of [join(repositoryFolder, 'bench'), repositoryFolder]) {
    const text = await readFile(join(folder, 'node_modules', name, 'package.json'), 'utf8').catch(() => null);
    if (text !== null) return `${name} ${(JSON.parse(text) as { version: string }).version}`;
  }
  return `${name} (not installed)`;
}
