import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findPostgresHome } from './postgres-home.ts';

test('several who look for a home at once find the same one, in the folder where that can be', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'annals-home-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await chmod(folder, 0o711);
  const homes = await Promise.all(Array.from({ length: 50 }, () => findPostgresHome(folder)));
  expect(new Set(homes.map(({ cluster }) => cluster))).toEqual(new Set([join(folder, 'postgres')]));
  expect(await readdir(folder)).toEqual([]);
});
