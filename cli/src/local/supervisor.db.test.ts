import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { preparedFolder } from '@annals/testing/servers/prepared-folder';
import { temporaryFolder } from '@annals/testing/servers/temporary-folder';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startFakeStack } from './fake-stack.fixture.ts';
import { freePorts } from './free-port.ts';
import { portCount } from './layout.ts';
import { identify, isRunning } from './processes.ts';
import type { Stack } from './stack.ts';
import { readRunState } from './stack-lock.ts';

describe('the supervisor', () => {
  let dataFolder: string;
  let ports: number[];
  let stack: Stack | undefined;
  const notes: string[] = [];
  const start = async (mainFile?: () => string) => {
    stack = await startFakeStack(dataFolder, ports, notes, mainFile);
    return stack;
  };

  beforeEach(async () => {
    dataFolder = await preparedFolder('annals-stack-');
    ports = await freePorts(portCount(1));
  });
  afterEach(async () => {
    await stack?.stop();
    stack = undefined;
    await rm(dataFolder, { recursive: true, force: true });
  });

  test('starts everything, stops everything, and keeps data and secrets, these to their owner, until the next start', async () => {
    dataFolder = await temporaryFolder('annals-stack-');
    const first = await start();
    const pids = Object.values(first.pids());
    expect(pids).toHaveLength(7);
    for (const file of ['secrets', 'run.json'])
      expect((await stat(join(dataFolder, file))).mode & 0o777, file).toBe(0o600);
    await sql(first.databaseUrl, 'create table kept (n int); insert into kept values (1)');
    await first.stop();
    expect(pids.map((pid) => identify(pid ?? 0))).toEqual(pids.map(() => null));

    const second = await start();
    expect(second.secrets).toEqual(first.secrets);
    expect(await sql(second.databaseUrl, 'select n from kept')).toEqual([{ n: 1 }]);
  });

  test('restarts what dies: a service, the gateway and PostgreSQL', async () => {
    const { url, pids, databaseUrl } = await start();
    const before = pids();
    for (const name of ['query-api', 'gateway', 'postgres']) process.kill(before[name] ?? 0, 'SIGKILL');
    await vi.waitFor(
      async () => {
        const after = pids();
        for (const name of ['query-api', 'gateway', 'postgres']) {
          expect(after[name]).not.toBeNull();
          expect(after[name]).not.toBe(before[name]);
        }
        expect(await (await fetch(`${url}/v1/articles`)).json()).toMatchObject({ pid: after['query-api'] });
        expect(await sql(databaseUrl, 'select 1 as n')).toEqual([{ n: 1 }]);
      },
      { timeout: 20_000, interval: 100 },
    );
    expect(notes.join('\n')).toMatch(/query-api ended unexpectedly \(SIGKILL\)/);
  });

  test('a second start on the same data says who has it', async () => {
    const { url } = await start();
    await expect(startFakeStack(dataFolder, await freePorts(portCount(1)))).rejects.toThrow(
      `Annals is already running on ${dataFolder} (process ${process.pid}, ${url})`,
    );
  });

  test('a taken port is named, with the option that chooses another, and nothing is left running', async () => {
    const blocker = createServer().listen(ports[0], '127.0.0.1');
    await once(blocker, 'listening');
    await expect(start()).rejects.toThrow(
      `port ${ports[0]}, needed for gateway, is in use. Choose others with --port`,
    );
    blocker.close();
    await once(blocker, 'close');
    expect(await readRunState(dataFolder)).toBeNull();
    await start();
  });

  test('a port that fetch refuses is named as such', async () => {
    ports[0] = 10_080;
    await expect(fetch('http://127.0.0.1:10080').catch((error: Error) => error.cause)).resolves.toMatchObject(
      {
        message: 'bad port',
      },
    );
    await expect(start()).rejects.toThrow(
      'port 10080, needed for gateway, is one that browsers and fetch refuse to ask. Choose others with --port',
    );
  });

  test('a supervisor killed with -9 does not stop the next start', async () => {
    const script = fileURLToPath(new URL('./fake-stack.fixture.ts', import.meta.url));
    const child = spawn(process.execPath, [script, dataFolder, ...ports.map(String)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(child.stdout, 'data');
    const left = Object.values(JSON.parse(String(line)) as Record<string, number>).map(identify);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(left.some((process) => process && isRunning(process))).toBe(true);

    const { databaseUrl } = await start();
    expect(left.filter((process) => process && isRunning(process))).toEqual([]);
    expect(await sql(databaseUrl, 'select 1 as n')).toEqual([{ n: 1 }]);
  });

  test('a lock and a pid file whose processes are gone, or whose pids are others’ now, do not stop a start', async () => {
    await (await start()).stop();
    const someoneElse = JSON.stringify({ pid: process.ppid, startedAt: 'another boot' });
    await writeFile(join(dataFolder, 'lock'), someoneElse);
    await writeFile(join(dataFolder, 'postgres', 'postmaster.pid'), `${process.ppid}\n/elsewhere\n`);
    await start();
    expect(identify(process.ppid)).not.toBeNull();
  });

  test('a service that cannot run fails the start with its last words', async () => {
    const broken = join(dataFolder, 'broken.mjs');
    await writeFile(broken, 'console.error("no such luck"); process.exit(1);');
    await expect(start(() => broken)).rejects.toThrow(/does not run \(exit code 1\):\nno such luck/);
  });

  test('refuses to invent secrets for data that others encrypted', async () => {
    await (await start()).stop();
    await rm(join(dataFolder, 'secrets'));
    await expect(start()).rejects.toThrow(/secrets is missing/);
  });
});

async function sql(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
