import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from '@annals/platform/postgres/pool';
import { createLogger } from '@annals/platform/telemetry/logger';
import { createTracing } from '@annals/platform/telemetry/tracing';
import { ownPostgres } from '@annals/testing/servers/postgres';
import { Registry } from 'prom-client';
import { expect, test, vi } from 'vitest';
import { z } from 'zod';
import { addJobs } from './add-jobs.ts';
import { runJobs } from './runner.ts';
import { prepareJobs } from './schema.ts';
import { defineTask, type TaskServices } from './task.ts';

/** Long enough for the end to have been told in vain. */
const AWAY_MS = 1_000;
const PATIENCE = { timeout: 30_000, interval: 50 };

test.each(['is done', 'fails'] as const)(
  'a job that %s while PostgreSQL is away ends no process, and its end is noted once that is back',
  async (how) => {
    const server = await ownPostgres();
    const pool = createPool({ url: server.url, application: 'test' });
    const [begun, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const task = defineTask({
      name: 'hold',
      payload: z.unknown(),
      run: async () => {
        begun.resolve();
        await goesOn.promise;
      },
    });
    const rejections: unknown[] = [];
    const note = (reason: unknown) => rejections.push(reason);
    process.on('unhandledRejection', note);
    await prepareJobs(pool);
    const logger = createLogger({ service: 'test', level: 'silent' });
    const tracing = await createTracing({ service: 'test', otlpEndpoint: undefined, logger });
    const stop = await runJobs({
      ...{ pool, logger, tracing, metrics: new Registry(), tasks: [task] },
      // The task uses none of them.
      services: {} as TaskServices,
    });
    try {
      await addJobs(pool, [{ task: 'hold', key: 'one', payload: {} }]);
      await begun.promise;
      await server.kill();
      if (how === 'is done') goesOn.resolve();
      else goesOn.reject(new Error('no luck'));
      await sleep(AWAY_MS);
      await server.start();
      const state = async () =>
        (await pool.query('select locked_at is not null as locked, attempts from graphile_worker.jobs')).rows;
      const expected = how === 'is done' ? [] : [{ locked: false, attempts: 1 }];
      await vi.waitFor(async () => expect(await state()).toEqual(expected), PATIENCE);
      expect(rejections).toEqual([]);
    } finally {
      process.off('unhandledRejection', note);
      await stop();
      await pool.end();
      await server.remove();
    }
  },
);
