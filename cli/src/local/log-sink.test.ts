import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogSink } from './log-sink.ts';

describe('logs of a stack', () => {
  let folder: string;
  const shown: string[] = [];
  const open = (showAll = false) => createLogSink({ folder, show: (line) => shown.push(line), showAll });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'annals-logs-'));
    shown.length = 0;
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const line = (level: string, rest = {}) =>
    JSON.stringify({ level, time: '2026-11-22T10:00:00.123Z', service: 'worker', message: 'sent', ...rest });

  test('files hold every line as it came; people see errors and crashes', async () => {
    const log = await open();
    const lines = [
      line('info', { attempt: 2 }),
      line('error', { err: { message: 'no server', stack: 'at …' }, attempt: 3 }),
      'TypeError: a crash',
    ];
    for (const one of lines) await log.write('worker', one);
    for (const one of ['ERROR:  duplicate key', '\tdetail', 'PANIC:  disk']) await log.write('postgres', one);
    await log.close();
    expect(await readFile(join(folder, 'worker.log'), 'utf8')).toBe(`${lines.join('\n')}\n`);
    expect(shown).toEqual([
      '10:00:00.123 ERROR worker: sent (no server) {"attempt":3}',
      'worker: TypeError: a crash',
      'postgres: PANIC:  disk',
    ]);
  });

  test('on request people see every line', async () => {
    const log = await open(true);
    await log.write('worker', line('info', { attempt: 2 }));
    await log.close();
    expect(shown).toEqual(['10:00:00.123 INFO  worker: sent {"attempt":2}']);
  });

  test('a file that has grown large makes room, keeping one predecessor', async () => {
    await writeFile(join(folder, 'worker.log'), 'x'.repeat(20_000_001));
    const log = await open();
    await log.write('worker', 'a');
    await log.write('worker', 'b');
    await log.close();
    expect(await readFile(join(folder, 'worker.log'), 'utf8')).toBe('a\nb\n');
    expect((await stat(join(folder, 'worker.log.1'))).size).toBe(20_000_001);
    expect(await readdir(folder)).toHaveLength(2);
  });

  test('a file that cannot be written holds nothing up', async () => {
    await mkdir(join(folder, 'worker.log'));
    const log = await open();
    for (let n = 0; n < 3; n++) await log.write('worker', 'x'.repeat(100_000));
    await log.close();
  });
});
