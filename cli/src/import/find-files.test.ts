import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFiles } from './find-files.ts';

describe('P15 finding files', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'annals-find-'));
    for (const path of [
      'in/b.md',
      'in/a/c.MARKDOWN',
      'in/x.txt',
      'in/.git/d.md',
      'in/node_modules/p/e.md',
      'out/f.md',
    ]) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), path);
    }
    await symlink('..', join(folder, 'in/a/loop'));
    await symlink('../out', join(folder, 'in/outside'));
    await symlink('../out/f.md', join(folder, 'in/outside.md'));
    await symlink('b.md', join(folder, 'in/same.md'));
    await symlink('nowhere', join(folder, 'in/broken.md'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const found = async (path: string, nodeModules = false) =>
    (await findFiles(join(folder, path), { nodeModules })).map(({ relative }) => relative);

  test('Markdown alone, each file once, in a stable order; loops end and links out of the folder are left', async () => {
    expect(await found('in')).toEqual(['a/c.MARKDOWN', 'b.md']);
  });

  test('node_modules on request, or when it is the folder itself', async () => {
    expect(await found('in', true)).toEqual(['a/c.MARKDOWN', 'b.md', 'node_modules/p/e.md']);
    expect(await found('in/node_modules')).toEqual(['p/e.md']);
  });
});
