import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openImportState } from './import-state.ts';

test('the newest entry of a file counts, and a line that a crash cut off counts as not written', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'annals-state-'));
  const file = join(folder, 'imports', 'posts.jsonl');
  const entry = { externalId: 'posts/a.md', author: 'u1', id: 'a1', hash: 'h1' };
  const first = await openImportState(file);
  await first.add([entry, { ...entry, author: 'u2' }]);
  await first.add([{ ...entry, hash: 'h2' }]);
  await first.close();
  await appendFile(file, '{"externalId":"posts/a.md","author":"u1","i');

  const second = await openImportState(file);
  expect(second.find('posts/a.md', 'u1')).toEqual({ ...entry, hash: 'h2' });
  expect(second.find('posts/a.md', 'u2')?.hash).toBe('h1');
  await second.add([{ ...entry, hash: 'h3' }]);
  await second.close();

  const third = await openImportState(file);
  expect(third.find('posts/a.md', 'u1')?.hash).toBe('h3');
  await third.close();
  await rm(folder, { recursive: true });
});
