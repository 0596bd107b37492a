import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repositoryFolder } from '@annals/cli/local/layout';
import { expect, test } from 'vitest';

const page = join(repositoryFolder, 'docs', 'coming-from-django.md');
const text = readFileSync(page, 'utf8');

test('every file that "coming from Django" names is there', () => {
  const paths = [...text.matchAll(/`((?:contracts|platform|services|cli|testing|bench)\/[\w./-]+)`/g)].map(
    ([, path = '']) => path,
  );
  expect(paths.length).toBeGreaterThan(20);
  expect(paths.filter((path) => !existsSync(join(repositoryFolder, path)))).toEqual([]);
});

test('every link of "coming from Django" leads somewhere', () => {
  const slug = (heading: string) =>
    heading
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-');
  const links = [...text.matchAll(/\]\(([\w./-]*)(?:#([\w-]+))?\)/g)];
  expect(links.length).toBeGreaterThan(20);
  for (const [link, path = '', anchor] of links) {
    const target = path === '' ? page : join(dirname(page), path);
    expect(existsSync(target), link).toBe(true);
    const headings = [...readFileSync(target, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      slug(heading),
    );
    if (anchor !== undefined) expect(headings, link).toContain(anchor);
  }
});
