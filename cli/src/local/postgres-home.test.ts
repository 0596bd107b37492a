import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const PROCESSES = 4;
const LOOKS = 20;

/** Looks again and again, and prints what it finds. */
const script = `
  const { findPostgresHome } = await import(${JSON.stringify(new URL('./postgres-home.ts', import.meta.url).href)});
  const found = new Set();
  for (let n = 0; n < ${LOOKS}; n++) found.add((await findPostgresHome(process.argv[1])).cluster);
  console.log([...found].join());`;

test('processes that look for a home at once find the same one, in the folder where that can be', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'annals-home-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await chmod(folder, 0o711);
  const look = () =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, folder], { timeout: 60_000 });
  const homes = await Promise.all(Array.from({ length: PROCESSES }, look));
  for (const { stdout } of homes) expect(stdout).toBe(`${join(folder, 'postgres')}\n`);
  expect(await readdir(folder)).toEqual([]);
}, 60_000);
