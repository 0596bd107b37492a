import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listArticles } from '@annals/contracts/publishing/article.routes';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { Api, uniqueName } from './client.ts';
import { PushClient } from './push-client.ts';

const MAIN = fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url));
const url = inject('stackUrl');
const api = new Api(url, inject('serviceToken'));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'annals-import-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface Report {
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly refused: readonly { readonly file: string; readonly reason: string }[];
}

/** Starts `annals import` on `name` below the folder. `state` tells runs apart that know nothing of each other. */
function startImport(name: string, state: string): ChildProcess {
  const args = [
    '--disable-warning=ExperimentalWarning',
    MAIN,
    'import',
    join(folder, name),
    '--json',
    '--data',
    join(folder, state),
  ];
  return spawn(process.execPath, [...args, '--url', url, '--token', inject('serviceToken')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function runImport(name: string, state = 'state'): Promise<Report> {
  const child = startImport(name, state);
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(child, 'close');
  return JSON.parse(text) as Report;
}

/** A folder with `count` documents by one author, who is named after it. */
async function writeDocuments(count: number): Promise<string> {
  const name = uniqueName('posts');
  await mkdir(join(folder, name));
  for (let n = 0; n < count; n++) {
    const text = `---\ntitle: Document ${n} of ${name}\nauthor: ${name}\ntags: [imported]\ndate: 2024-01-01\n---\n\n# Heading\n\nText ${n}.\n`;
    await writeFile(join(folder, name, `document-${n}.md`), text);
  }
  return name;
}

async function listed(
  name: string,
): Promise<{ id: string; title: string; isPublished: boolean; publishedAt: string }[]> {
  const query = { 'title[contains]': name, pageSize: 100 };
  return (await api.ok(listArticles, { query, headers: { prefer: 'wait=10' } })).body.results;
}

describe('P15 annals import', () => {
  test('imports documents, changes nothing a second time, and updates what was edited', async () => {
    const name = await writeDocuments(5);
    await writeFile(join(folder, name, 'empty.md'), '');
    const first = await runImport(name);
    expect(first).toMatchObject({ created: 5, updated: 0, unchanged: 0 });
    expect(first.refused).toMatchObject([
      { file: expect.stringContaining('empty.md'), reason: expect.any(String) },
    ]);
    const published = async () => (await listed(name)).filter(({ isPublished }) => isPublished);
    await expect.poll(async () => (await published()).length, { timeout: 10_000 }).toBe(5);
    for (const article of await published())
      expect(article).toMatchObject({ publishedAt: '2024-01-01T00:00:00.000Z' });
    expect(await runImport(name)).toMatchObject({ created: 0, updated: 0, unchanged: 5 });
    expect(await runImport(name, 'knows-nothing')).toMatchObject({ created: 0, updated: 0, unchanged: 5 });
    const file = join(folder, name, 'document-3.md');
    await writeFile(file, (await readFile(file, 'utf8')).replace('Text 3.', 'Edited text.'));
    expect(await runImport(name)).toMatchObject({ created: 0, updated: 1, unchanged: 4 });
  });

  test('killed with -9 in its middle and started again, it ends the same, and followers see each publication once', async () => {
    const name = await writeDocuments(40);
    const follower = await PushClient.open(url);
    await follower.request({ id: 1, type: 'subscribe', channel: 'articles' });
    const child = startImport(name, 'killed');
    await expect
      .poll(async () => (await listed(name)).length, { timeout: 30_000, interval: 20 })
      .toBeGreaterThan(3);
    child.kill('SIGKILL');
    await once(child, 'close');
    const report = await runImport(name, 'killed');
    expect(report.refused).toEqual([]);
    expect(report.created + report.updated + report.unchanged).toBe(40);
    await expect.poll(async () => (await listed(name)).length, { timeout: 10_000 }).toBe(40);
    const articles = await listed(name);
    expect(new Set(articles.map(({ title }) => title)).size).toBe(40);
    const ids = new Set(articles.map(({ id }) => id));
    const published = () =>
      follower
        .events('articles')
        .filter(({ event }) => event.type === 'ArticlePublished' && ids.has(String(event.data.id)));
    await expect.poll(() => published().length, { timeout: 10_000 }).toBe(40);
    expect(new Set(published().map(({ event }) => event.data.id)).size).toBe(40);
    const positions = follower.events('articles').map(({ position }) => position);
    expect(positions).toEqual([...new Set(positions)].sort());
    await follower.close();
  });

  test('imported authors get no mail', async () => {
    const files = await readdir(join(inject('stackFolder'), 'mails'));
    const mails = await Promise.all(
      files.map((file) => readFile(join(inject('stackFolder'), 'mails', file), 'utf8')),
    );
    expect(mails.filter((mail) => mail.includes('import.invalid'))).toEqual([]);
  });
});
