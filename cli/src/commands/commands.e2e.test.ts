import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { freePorts } from '@annals/cli/local/free-port';
import { temporaryFolder } from '@annals/testing/servers/temporary-folder';
import { describe, expect, inject, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const PASSWORD = 'Correct-horse-battery-7';
const url = inject('stackUrl');

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('ANNALS_'));
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Runs the cli on the stack of the suite. */
async function annals(args: readonly string[], { input = '', env = {} } = {}) {
  const child = start(args, { ANNALS_DATA_FOLDER: inject('stackFolder'), ...env });
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { stdout, stderr, code, json: () => JSON.parse(stdout) as Record<string, unknown> };
}

describe('annals status', () => {
  test('shows every service, and every consumer with position, lag and lease', async () => {
    const { json } = await annals(['status', '--json']);
    const { services, consumers } = json() as {
      services: { name: string; state: string }[];
      consumers: { consumer: string; lag: number; position: string; owner: string; leaseUntil: string }[];
    };
    expect(services).toHaveLength(5);
    expect(services.every(({ state }) => state === 'ready')).toBe(true);
    const names = consumers.map(({ consumer }) => consumer);
    for (const expected of ['access_v', 'article_list_v', 'push_log_v', 'welcome_mail_v']) {
      expect(names.filter((name) => name.startsWith(expected))).toHaveLength(1);
    }
    for (const { owner, leaseUntil, lag, position } of consumers) {
      expect(owner).not.toBe('');
      expect(Date.parse(leaseUntil)).toBeGreaterThan(0);
      expect(lag).toBeGreaterThanOrEqual(0);
      expect(position).toMatch(/^[0-9a-z]{8}\.[0-9a-f]{16}$/);
    }
    const forPeople = await annals(['status']);
    expect(forPeople.stdout).toMatch(/^command-api +ready$/m);
  });

  test('operates services elsewhere by their operations URLs', async () => {
    const { services } = (await annals(['status', '--json'])).json() as { services: { name: string }[] };
    const state = JSON.parse(await readFile(join(inject('stackFolder'), 'run.json'), 'utf8')) as {
      services: { opsUrl: string }[];
    };
    const args = ['status', '--json', '--ops', ...state.services.map(({ opsUrl }) => opsUrl)];
    const elsewhere = await annals(args, { env: { ANNALS_OPERATOR_TOKEN: inject('operatorToken') } });
    const status = elsewhere.json() as { services: unknown[]; consumers: { lag: number | null }[] };
    expect(status.services).toHaveLength(services.length);
    expect(status.consumers.length).toBeGreaterThan(0);
    expect(status.consumers.every(({ lag }) => lag === null)).toBe(true);
    expect(await annals(args)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ANNALS_OPERATOR_TOKEN'),
    });
  });

  test('says where nothing runs', async () => {
    const { code, stderr } = await annals(['status', '--data', '/nowhere']);
    expect(code).toBe(1);
    expect(stderr.trim()).toBe(
      'Annals is not running on /nowhere. Start it with npm start, or name another folder with --data.',
    );
  });
});

test('annals projections rebuild builds a view anew, verify finds nothing, and both generations are listed', async () => {
  const rebuilt = await annals(['projections', 'rebuild', 'article_list_v4', '--json']);
  expect(rebuilt.json()).toMatchObject({
    projections: [
      { projection: 'article_list_v4', outcome: 'switched', verification: { differences: 0, parked: 0 } },
    ],
  });
  const verified = await annals(['projections', 'verify', 'article_list_v4']);
  expect([verified.code, verified.stdout]).toEqual([
    0,
    expect.stringMatching(/^article_list_v4: verified \(/),
  ]);
  const { stdout } = await annals(['projections', 'list']);
  expect(stdout).toMatch(/^article_list_v4 +\d+ .* live /m);
  expect(stdout).toMatch(/^article_list_v4_beside .* former /m);
  expect((await annals(['projections', 'drop', 'article_list_v4', '--yes'])).code).toBe(0);
});

test('annals projections list shows every projection of the stack', async () => {
  const { code, json } = await annals(['projections', 'list', '--json']);
  expect(code).toBe(0);
  const { projections } = json() as { projections: { consumer: string }[] };
  expect(projections).toContainEqual(expect.objectContaining({ consumer: 'article_list_v4', held: null }));
});

test('annals users create-admin: a first admin who can log in; refusals name every mistake', async () => {
  const username = `admin-${Date.now().toString(36)}`;
  const create = (password: string) =>
    annals(
      [
        'users',
        'create-admin',
        '--username',
        username,
        '--email',
        `${username}@example.org`,
        '--password-stdin',
      ],
      {
        input: `${password}\n`,
      },
    );
  const refused = await create('short');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/password must have at least \d+ characters;.*\(validation-failed\)/);
  expect((await create(PASSWORD)).code).toBe(0);
  const session = await fetch(`${url}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ login: username, password: PASSWORD }),
  });
  expect(session.status).toBe(201);
  expect((await create(PASSWORD)).stderr).toContain('username-taken');
});

test('I8 annals users erase: by username, asked for or --yes; whoever is not there is named', async () => {
  const username = `gone-${Date.now().toString(36)}`;
  const register = await fetch(`${url}/v1/users`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, email: `${username}@example.org`, password: PASSWORD }),
  });
  const { id } = (await register.json()) as { id: string };
  expect((await annals(['users', 'erase', username])).stderr).toContain('use --yes');
  const erased = await annals(['users', 'erase', username, '--yes', '--json']);
  expect(JSON.parse(erased.stdout)).toMatchObject({ id });
  expect((await annals(['users', 'erase', id, '--yes'])).code).toBe(0);
  const unknown = await annals(['users', 'erase', `${username}-2`, '--yes']);
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('not-found')]);
});

describe('annals events tail', () => {
  const tail = (...args: string[]) =>
    annals(['events', 'tail', '--no-follow', '--from', 'start', '--json', ...args]);
  const events = (stdout: string) =>
    stdout
      .trim()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as { type: string; stream: string; position: string; data: { email: string } },
      );

  test('shows the log in order, personal data on request alone', async () => {
    const hidden = events((await tail('--type', 'UserRegistered')).stdout);
    expect(hidden[0]).toMatchObject({ type: 'UserRegistered', data: { email: '[personal]' } });
    const positions = hidden.map(({ position }) => position);
    expect(positions).toEqual([...positions].sort());
    const shown = events((await tail('--type', 'UserRegistered', '--personal')).stdout);
    expect(shown.map(({ data }) => data.email)).toContain('admin@example.org');
  });

  test('filters by stream, and ends at once where nothing is new', async () => {
    const { stdout } = await tail('--stream', 'user-');
    expect(events(stdout).every(({ stream }) => stream.startsWith('user-'))).toBe(true);
    expect(await annals(['events', 'tail', '--no-follow', '--last', '0'])).toMatchObject({
      code: 0,
      stdout: '',
    });
  });

  test('refuses positions and types that are not there', async () => {
    expect(await tail('--from', 'bogus')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not a position'),
    });
    expect(await tail('--type', 'Nope')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no event type Nope'),
    });
  });
});

test('annals check-config lists every mistake of every service', async () => {
  const { code, json } = await annals(['check-config', '--json'], {
    env: { ANNALS_OPS_PORT: 'x', ANNALS_LOG_LEVL: 'debug' },
  });
  const { mistakes } = json() as { mistakes: Record<string, string[]> };
  expect(code).toBe(1);
  expect(mistakes['any service']).toEqual(['ANNALS_LOG_LEVL: no such setting']);
  expect(mistakes.worker).toContain('ANNALS_OPS_PORT: must be a whole number');
  expect(mistakes['command-api']).toContain('ANNALS_JWT_PRIVATE_KEY: is required');
});

describe('annals start', () => {
  test('refuses data that a running stack has, and settings that no service knows', async () => {
    const second = await annals(['start', '--port', '28080']);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`Annals is already running on ${inject('stackFolder')}`);
    const mistaken = await annals(['start'], { env: { ANNALS_THROTLE_READ: '1' } });
    expect(mistaken.stderr).toContain('ANNALS_THROTLE_READ: no such setting');
  });

  test('says when and where it is ready; Ctrl-C, however often it arrives at once, stops it in order', async () => {
    const data = await temporaryFolder('annals-start-');
    const [port = 0] = await freePorts(1);
    const child = start(['start', '--json', '--data', data, '--port', String(port)]);
    const [line] = await once(child.stdout, 'data');
    const ready = JSON.parse(String(line)) as { url: string; data: string };
    expect(ready).toMatchObject({ ready: true, data });
    expect((await fetch(`${ready.url}/health`)).status).toBe(200);
    const errors = text(child.stderr);
    child.kill('SIGINT');
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(await errors).toContain('Stopped. Data stays; start again at any time.');
    await rm(data, { recursive: true, force: true });
  });
});
