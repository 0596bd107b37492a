/** `npm run check`: everything that can be told without running the code. The steps run side by side. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';

const root = join(import.meta.dirname, '..', '..');
const bin = (path: string) => join(root, 'node_modules', path);

/** Scripts for Node, by the name that the summary shows. */
const steps: Readonly<Record<string, readonly string[]>> = {
  types: [
    bin('typescript/bin/tsc'),
    '-p',
    root,
    '--incremental',
    '--tsBuildInfoFile',
    bin('.cache/tsc.json'),
  ],
  style: [
    bin('@biomejs/biome/bin/biome'),
    'check',
    '--error-on-warnings',
    '--reporter=concise',
    '--max-diagnostics=200',
    root,
  ],
  arrows: [join(import.meta.dirname, 'arrows.ts')],
  'dead code': [bin('knip/bin/knip.js'), '--no-progress'],
};

/** Runs a step; gives what it printed, and whether it passed. */
function run(
  name: string,
  script: readonly string[],
): Promise<{ name: string; passed: boolean; seconds: number; output: string }> {
  const start = performance.now();
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...script],
      { cwd: root, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const seconds = (performance.now() - start) / 1000;
        resolve({ name, passed: error === null, seconds, output: (stdout + stderr).trim() });
      },
    );
  });
}

const results = await Promise.all(Object.entries(steps).map(([name, script]) => run(name, script)));
for (const { name, passed, output } of results) {
  if (!passed) process.stdout.write(`\n── ${name} ──\n${output}\n`);
}
for (const { name, passed, seconds } of results) {
  process.stdout.write(`${passed ? '✓' : '✗'} ${name} (${seconds.toFixed(1)} s)\n`);
}
process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;
