/** What the processes of a stack hold in memory, once their garbage is collected. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { vi } from 'vitest';
import { z } from 'zod';
import type { TestStack } from '../../stack.ts';

/** In bytes. `held`: objects on V8's heap and buffers outside of it; `rss`: what the system counts. */
const usage = z.object({ held: z.number(), rss: z.number() });
export type Usage = z.infer<typeof usage>;

/** What a stack's processes have to be started with. */
export function collectingEnvironment(folder: string): Record<string, string> {
  const collector = new URL('./collector.ts', import.meta.url).href;
  return { NODE_OPTIONS: `--expose-gc --import ${collector}`, TEST_MEMORY_FOLDER: folder };
}

/** Has every process but PostgreSQL's collect its garbage, and gives what is left, by the process' name. */
export async function measure(stack: TestStack, folder: string): Promise<ReadonlyMap<string, Usage>> {
  const running = Object.entries(stack.pids()).flatMap(([name, pid]) =>
    name === 'postgres' || pid === null ? [] : [{ name, pid }],
  );
  await Promise.all(running.map(({ pid }) => rm(fileOf(folder, pid), { force: true })));
  for (const { name } of running) stack.signal(name, 'SIGUSR2');
  const told = running.map(async ({ name, pid }) => {
    const read = async () => usage.parse(JSON.parse(await readFile(fileOf(folder, pid), 'utf8')));
    return [name, await vi.waitFor(read, { timeout: 60_000, interval: 50 })] as const;
  });
  return new Map(await Promise.all(told));
}

const fileOf = (folder: string, pid: number): string => join(folder, `${pid}.json`);
