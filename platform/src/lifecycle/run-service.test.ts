import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { EXIT_CONFIG } from './run-service.ts';

const folder = mkdtempSync(join(tmpdir(), 'annals-run-service-'));
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rmSync(folder, { recursive: true }));

const runService = new URL('./run-service.ts', import.meta.url).href;
const config = new URL('../config/config.ts', import.meta.url).href;

/** Starts a process whose service is `{ stop }`, or whose start is `start`; resolves once it wrote a first line. */
async function service(code: { start?: string; stop?: string; deadlineMs?: number }) {
  const file = join(folder, `${children.length}-${Math.random()}.mjs`);
  writeFileSync(
    file,
    `import { runService } from '${runService}';
     import { ConfigError } from '${config}';
     setInterval(() => {}, 1000);
     const start = async () => { ${code.start ?? ''}; console.log('running'); return { stop: async () => { ${code.stop ?? ''} } }; };
     await runService({ name: 'tested', start, deadlineMs: ${code.deadlineMs ?? 20_000} });`,
  );
  const child = fork(file, { silent: true });
  children.push(child);
  let output = '';
  child.stdout?.on('data', (chunk) => (output += String(chunk)));
  const exit = once(child, 'exit');
  const says = async (text: string) => {
    while (!output.includes(text) && child.stdout && !child.stdout.readableEnded)
      await Promise.race([once(child.stdout, 'data'), exit]);
    expect(output).toContain(text);
  };
  return { child, exit: exit.then(([code]) => code as number), says };
}

describe('runService', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('stops on %s and exits with 0', async (signal) => {
    const { child, exit, says } = await service({ stop: 'console.log("closing")' });
    await says('running');
    child.kill(signal);
    expect(await exit).toBe(0);
    await says('closing');
  });

  it('stops when its parent is gone', async () => {
    const { child, exit, says } = await service({});
    await says('running');
    child.disconnect();
    expect(await exit).toBe(0);
  });

  it('exits with 1 where stopping fails', async () => {
    const { child, exit, says } = await service({ stop: 'throw new Error("stuck")' });
    await says('running');
    child.kill('SIGTERM');
    expect(await exit).toBe(1);
  });

  it('exits with 1 when the deadline passes', async () => {
    const { child, exit, says } = await service({ stop: 'await new Promise(() => {})', deadlineMs: 50 });
    await says('running');
    child.kill('SIGTERM');
    expect(await exit).toBe(1);
    await says('deadline');
  });

  it('ends at once on a second signal', async () => {
    const { child, exit, says } = await service({
      stop: 'console.log("closing"); await new Promise(() => {})',
    });
    await says('running');
    child.kill('SIGTERM');
    await says('closing');
    child.kill('SIGINT');
    expect(await exit).toBe(130);
  });

  it('ends at once on a signal before it is running', async () => {
    const { child, exit, says } = await service({
      start: 'console.log("starting"); await new Promise(() => {})',
    });
    await says('starting');
    child.kill('SIGTERM');
    expect(await exit).toBe(143);
  });

  it('exits with 1 where it can not start, and tells a wrong configuration apart', async () => {
    const broken = await service({ start: 'throw new Error("no database")' });
    expect(await broken.exit).toBe(1);
    await broken.says('no database');
    const misconfigured = await service({ start: 'throw new ConfigError(["ANNALS_PORT: is required"])' });
    expect(await misconfigured.exit).toBe(EXIT_CONFIG);
    await misconfigured.says('ANNALS_PORT: is required');
  });
});
