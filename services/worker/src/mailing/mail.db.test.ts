import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { variableOf } from '@annals/platform/config/config';
import { viewName } from '@annals/platform/consumer/projection';
import { SMTPServer } from 'smtp-server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { App } from '../app.ts';
import { discoverReactions } from '../reactions/consumers.ts';
import { startWorld, until, type World } from '../worker.fixture.ts';

let world: World;
const servers: SMTPServer[] = [];
beforeEach(async () => {
  world = await startWorld();
});
afterEach(async () => {
  await world.stop();
  for (const server of servers.splice(0)) server.close();
});

async function status(app: App) {
  const response = await fetch(`${app.addresses.ops}/admin/status`, {
    headers: { authorization: `Bearer ${world.config.operatorToken}` },
  });
  return response.json() as Promise<{
    jobs: Record<string, unknown>;
    mails: Record<string, number>;
    consumers: { consumer: string; owner: string | null }[];
  }>;
}

/** An SMTP server; `answer` decides on each mail, by its Message-ID. */
async function smtp(
  answer: (id: string, done: (error?: Error) => void) => void,
): Promise<{ url: string; ids: string[] }> {
  const ids: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData: async (stream, _, done) => {
      const content = Buffer.concat(await stream.toArray()).toString();
      const id = /^Message-ID: (.*)$/m.exec(content)?.[1]?.trim() ?? '';
      ids.push(id);
      answer(id, (error) => done(error ?? null));
    },
  });
  servers.push(server);
  server.on('error', () => {});
  const listening = server.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  return { ids, url: `smtp://127.0.0.1:${(listening.address() as AddressInfo).port}` };
}

/** The time between two attempts has passed. */
const retryNow = () => world.pool.query('update graphile_worker._private_jobs set run_at = now()');

describe('the welcome mail', () => {
  test('is sent to whoever registers, before and after the worker starts [I1]', async () => {
    const early = await world.register();
    const app = await world.startApp();
    const late = await world.register({ email: 'bob@example.org' });
    await world.settle();
    expect(await world.outcomes()).toEqual({ [early]: 'sent', [late]: 'sent' });
    const mails = await world.mails();
    expect(mails).toHaveLength(2);
    expect(
      mails.filter((mail) => mail.includes('To: bob@example.org') && mail.includes('Hello Ada')),
    ).toHaveLength(1);
    expect((await status(app)).mails).toEqual({ sent: 2 });
  });

  test('is sent once although its cause is delivered again', async () => {
    await world.register();
    const first = await world.startApp();
    await world.settle();
    await first.stop();
    await world.rewind();
    const server = await smtp((_, done) => done());
    await world.startApp({ smtpUrl: server.url, mailFolder: undefined });
    await world.settle();
    expect(server.ids).toEqual([]);
  });

  test('is not sent to imported, disabled or erased people, nor to .invalid addresses', async () => {
    const imported = await world.register({ imported: true, email: 'someone@import.invalid' });
    const disabled = await world.register();
    await world.append(`user-${disabled}`, 'UserDisabled', { userId: disabled });
    const erased = await world.register();
    await world.keys.destroy(erased);
    const invalid = await world.register({ email: 'someone@Import.INVALID' });
    await world.startApp();
    await world.settle();
    expect(await world.outcomes()).toEqual({
      [disabled]: 'disabled',
      [erased]: 'erased',
      [invalid]: 'imported',
    });
    expect(imported in (await world.outcomes())).toBe(false);
    expect(await world.mails()).toEqual([]);
  });

  test('neither jobs nor outcomes hold personal data', async () => {
    const refusing = await smtp((_, done) =>
      done(Object.assign(new Error('no ada@example.org'), { responseCode: 550 })),
    );
    await world.register();
    await world.startApp({ smtpUrl: refusing.url, mailFolder: undefined });
    await until(async () => refusing.ids.length > 0);
    await world.settle();
    const { rows } = await world.pool.query(
      'select row_to_json(j)::text as text from graphile_worker._private_jobs j',
    );
    expect(rows).toHaveLength(1);
    expect(rows[0].text).toContain('550');
    // As a word: ids are random, and hexadecimal.
    expect(rows[0].text).not.toMatch(/\bada\b|example/i);
  });
});

describe('a mail that is not accepted', () => {
  test('is tried again three times, five minutes apart, then parked where operators see it', async () => {
    const refusing = await smtp((_, done) => done(Object.assign(new Error('full'), { responseCode: 452 })));
    const user = await world.register();
    const app = await world.startApp({ smtpUrl: refusing.url, mailFolder: undefined });
    for (let attempt = 1; attempt <= 4; attempt++) {
      await until(async () => {
        const { rows } = await world.pool.query('select attempts, locked_at from graphile_worker.jobs');
        return rows[0]?.attempts === attempt && rows[0].locked_at === null;
      });
      const { rows } = await world.pool.query(
        `select extract(epoch from run_at - now())::integer as wait from graphile_worker.jobs`,
      );
      expect(rows[0].wait).toBeGreaterThan(290);
      expect(rows[0].wait).toBeLessThan(400);
      if (attempt < 4) expect((await status(app)).jobs).toMatchObject({ retrying: 1, failed: 0 });
      await retryNow();
    }
    await world.settle();
    expect(refusing.ids).toHaveLength(4);
    expect(new Set(refusing.ids).size).toBe(1);
    expect((await status(app)).jobs).toMatchObject({
      failed: 1,
      retrying: 0,
      failures: [
        {
          task: 'mail',
          attempts: 4,
          error: expect.stringContaining('452'),
          key: expect.stringContaining(user),
        },
      ],
    });
    expect(await world.outcomes()).toEqual({});
  });

  test('is not added again while it is parked', async () => {
    const refusing = await smtp((_, done) => done(new Error('no')));
    await world.register();
    const settings = { smtpUrl: refusing.url, mailFolder: undefined };
    const first = await world.startApp(settings);
    await until(async () => refusing.ids.length === 1);
    await first.stop();
    await world.pool.query(
      'update graphile_worker._private_jobs set attempts = max_attempts, run_at = now()',
    );
    await world.rewind();
    await world.startApp(settings);
    await world.settle();
    const { rows } = await world.pool.query('select attempts from graphile_worker.jobs');
    expect(rows).toEqual([{ attempts: 4 }]);
    expect(refusing.ids).toHaveLength(1);
  });
});

describe('a worker that is killed', () => {
  test('while a mail is handed over: the mail still goes out, each time under the same Message-ID', async () => {
    let isFirst = true;
    const server = await smtp((_, done) => {
      if (!isFirst) done();
      isFirst = false;
    });
    const user = await world.register();
    const settings = { smtpUrl: server.url, mailFolder: undefined };
    const child = fork(fileURLToPath(new URL('../main.ts', import.meta.url)), {
      env: environment({ ...world.config, ...settings }),
      silent: true,
    });
    await until(async () => server.ids.length === 1);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await world.startApp(settings, { jobPolicy: { abandonedMs: 3_000, rescueMs: 100 } });
    await until(async () => (await world.outcomes())[user] === 'sent');
    await world.settle();
    expect(server.ids).toHaveLength(2);
    expect(new Set(server.ids).size).toBe(1);
  });

  test('between the acceptance of a mail and the end of its job: the mail is not sent again', async () => {
    const user = await world.register();
    const first = await world.startApp();
    await world.settle();
    await first.stop();
    const cause = (await world.pool.query('select cause from worker.mails')).rows[0].cause;
    const payload = JSON.stringify({ cause, recipient: user, template: 'welcome' });
    await world.pool.query(`select graphile_worker.add_job('mail', $1::json)`, [payload]);
    await world.pool.query(
      `update graphile_worker._private_jobs set locked_by = 'killed', locked_at = now() - interval '2 minutes', attempts = 1`,
    );
    const server = await smtp((_, done) => done());
    await world.startApp({ smtpUrl: server.url, mailFolder: undefined });
    await until(async () => (await world.pool.query('select from graphile_worker.jobs')).rowCount === 0);
    expect(server.ids).toEqual([]);
  });
});

test('at a stop the leases are handed over and no job stays locked', async () => {
  await world.register();
  const app = await world.startApp();
  await world.settle();
  const consumers = (await status(app)).consumers.map(({ consumer }) => consumer);
  expect(consumers).toEqual((await discoverReactions()).map((reaction) => viewName(reaction)).sort());
  await app.stop();
  const { rows } = await world.pool.query('select owner from consumers.checkpoints');
  expect(rows).toEqual(consumers.map(() => ({ owner: null })));
});

function environment(config: World['config']): NodeJS.ProcessEnv {
  const {
    logLevel: _,
    masterKey,
    hmacKey,
    otlpEndpoint: __,
    mailFolder: ___,
    accountUrl: ____,
    ...rest
  } = config;
  const keys = { masterKey: masterKey.toString('base64'), hmacKey: hmacKey.toString('base64') };
  const entries = Object.entries({ ...rest, ...keys });
  return {
    PATH: process.env.PATH,
    ...Object.fromEntries(entries.map(([field, value]) => [variableOf(field), String(value)])),
  };
}
