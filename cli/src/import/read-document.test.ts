import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createArticle } from '@annals/contracts/publishing/article.routes';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPackageLookup } from './packages.ts';
import { type ReadOptions, readDocument } from './read-document.ts';

let root: string;
const options: ReadOptions = { source: 'posts', defaultAuthor: 'Posts', packageOf: null };

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'annals-read-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function read(relative: string, content: string | Buffer, over: Partial<ReadOptions> = {}) {
  const path = join(root, relative);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return readDocument({ path, relative }, { ...options, ...over });
}

describe('P15 a Markdown file becomes an article', () => {
  test('front matter names title, author, tags and date', async () => {
    const text =
      '---\ntitle: Über das Meer\nauthor: Ada Lovelace <ada@example.org>\ntags: [Sea, sea, Ships]\ndate: 2020-05-01\n---\n# Other\n\ntext';
    expect(await read('a.md', text)).toMatchObject({
      externalId: 'posts/a.md',
      titles: ['Über das Meer', 'Über das Meer (posts)', 'Über das Meer (posts/a)'],
      author: 'Ada Lovelace',
      tags: ['sea', 'ships'],
      publishedAt: '2020-05-01T00:00:00.000Z',
      isDraft: false,
      html: '<h1>Other</h1>\n<p>text</p>\n',
    });
  });

  test.each([
    ['# The *first* `heading` ![badge](x.svg)\n\ntext', 'The first heading', '<p>text</p>\n'],
    ['Setext heading\n===\n\ntext', 'Setext heading', '<p>text</p>\n'],
    ['intro\n\n## Second level\n', 'Second level', '<p>intro</p>\n<h2>Second level</h2>\n'],
    ['<h1 align="center"><img src="l.png"> Html &amp; more</h1>\n\ntext', 'Html & more', undefined],
  ])(
    'without it the first heading is the title, and is not repeated in the text: %j',
    async (text, title, html) => {
      const document = await read('heading.md', text);
      expect(document.titles[0]).toBe(title);
      if (html) expect(document.html).toBe(html);
    },
  );

  test('without a heading the file’s name is; a text of nothing but its heading keeps it', async () => {
    expect((await read('some-file_name.md', 'text')).titles[0]).toBe('some file name');
    expect((await read('only.md', '# Only a heading')).html).toBe('<h1>Only a heading</h1>\n');
  });

  test.each([
    '# ms',
    '# <T>\t\u0000\u202e',
    `# ${'long '.repeat(100)}`,
    `# ${'👩‍👩‍👧'.repeat(90)}`,
    '# \u200b\u200b',
  ])('every title keeps the rules of the API: %j', async (text) => {
    const { titles } = await read('deep/in/folders/x.md', `${text.replace('\u0000', '')}\n\ntext`);
    expect(titles.length).toBeGreaterThan(0);
    for (const title of titles) expect(createArticle.body.shape.title.safeParse(title).success).toBe(true);
  });

  test('an external id suits the API, whatever the path', async () => {
    const long = `${'folder/'.repeat(30)}a,b%.md`;
    const { externalId } = await read(long, 'text');
    expect(createArticle.body.shape.externalId.safeParse(externalId).success).toBe(true);
    expect(externalId).not.toContain(',');
    expect((await read('a,b.md', 'text')).externalId).toBe('posts/a%2Cb.md');
  });

  test('drafts and future dates are not published', async () => {
    expect((await read('d.md', '---\ndraft: true\n---\ntext')).isDraft).toBe(true);
    expect((await read('p.md', '---\npublished: false\n---\ntext')).isDraft).toBe(true);
    expect(await read('f.md', '---\ndate: 2999-01-01\n---\ntext')).toMatchObject({
      isDraft: true,
      publishedAt: null,
    });
  });

  test('a package names author and keywords where the file does not; nested manifests without a name do not count', async () => {
    const packages: Record<string, unknown> = {
      'node_modules/one/package.json': {
        name: 'one',
        author: { name: 'Grace Hopper', email: 'g@example.org' },
        keywords: ['Sea'],
      },
      'node_modules/one/esm/package.json': { type: 'module' },
      'node_modules/two/package.json': { name: '@scope/two' },
    };
    for (const [path, content] of Object.entries(packages)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), JSON.stringify(content));
    }
    const over = { packageOf: createPackageLookup(root) };
    expect(await read('node_modules/one/esm/a.md', 'text', over)).toMatchObject({
      author: 'Grace Hopper',
      tags: ['sea'],
    });
    expect((await read('node_modules/one/b.md', '---\nauthor: Ada\n---\ntext', over)).author).toBe('Ada');
    expect((await read('node_modules/two/a.md', 'text', over)).author).toBe('@scope/two');
    expect((await read('elsewhere/a.md', 'text', over)).author).toBe('Posts');
  });

  test('the hash changes with the file, and with nothing else', async () => {
    const first = await read('h.md', 'text');
    expect((await read('h.md', 'text')).hash).toBe(first.hash);
    expect((await read('h.md', 'text!')).hash).not.toBe(first.hash);
  });
});

describe('P15 files that cannot become articles are refused with a reason', () => {
  test.each([
    ['empty', ''],
    ['empty', '---\ntitle: Nothing more\n---\n\n'],
    ['empty', '<!-- a comment -->\n\n[link]: https://example.org\n'],
    ['not-text', Buffer.from([0xff, 0xfe, 0x41])],
    ['not-text', Buffer.from('a\u0000b')],
    ['too-large', 'x'.repeat(512 * 1024 + 1)],
    ['too-large', '&'.repeat(200_000)],
    ['front-matter', '---\ntitle: "unclosed\n---\ntext'],
    ['front-matter', '---js\n{ title: process.exit(1) }\n---\ntext'],
  ])('%s', async (code, content) => {
    await expect(read('refused.md', content)).rejects.toMatchObject({ name: 'Refusal', code });
  });

  test('a rule at the top of a text is no front matter', async () => {
    const { html } = await read('rule.md', '---\nJust text\n---\n\nmore');
    expect(html).toContain('Just text');
  });
});
