import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requestEmailChange, requestPasswordReset } from '@annals/contracts/identity/account.routes';
import { eraseMe, getExport, requestExport } from '@annals/contracts/identity/privacy.routes';
import { createSession } from '@annals/contracts/identity/session.routes';
import { getUser, registerUser, updateMe } from '@annals/contracts/identity/user.routes';
import { routes } from '@annals/contracts/routes';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api } from '../e2e/client.ts';
import { PushClient } from '../e2e/push-client.ts';
import { startTestStack, type TestStack } from '../stack.ts';
import { unlimited } from '../tuning.ts';
import { counts } from './counts.ts';
import { type Collector, startCollector } from './privacy/collector.ts';
import { type MailServer, startMailServer } from './privacy/mail-server.ts';
import { Markers, personalFields } from './privacy/markers.ts';
import {
  type Marked,
  personalFieldsOf,
  plantFailures,
  plantNonsense,
  plantPerson,
  traced,
} from './privacy/plant.ts';
import { countParked, scanStores } from './privacy/stores.ts';
import { report } from './report.ts';

const NUMBER = 15;
const PEOPLE = counts(2, 40);

/** The columns of views in which personal data stands, and which part of the API shows it or filters by it. */
const shown: Readonly<Record<string, string>> = {
  'views.profiles_v4.doc': 'what the next event is folded into: the same as part',
  'views.profiles_v4.part': 'GET /v1/users shows username, names, bio, website',
  'views.profiles_v4.summary': 'articles and comments show their people',
  'views.profiles_v4.username_lower': 'GET /v1/users?username= filters by it',
  'views.profiles_v4.names': 'GET /v1/articles?search= finds articles by the names of their authors',
  'views.profiles_v4.name_words': 'the same, where the search misspells them',
  'views.profile_documents_v4.doc': 'GET /v1/users/{idOrUsername} shows the profile',
  'views.profile_documents_v4.usernameLower': 'GET /v1/users/{idOrUsername} finds by it',
  'views.accounts_v3.doc': 'GET /v1/me shows the own address',
};

/** In MongoDB a document is found by its own fields. */
const inRowsAlone = new Set(['views.profile_documents_v4.usernameLower']);

/** Routes whose bodies hold personal data: each is called with markers, with success. */
const planted = [registerUser, updateMe, createSession, requestEmailChange, requestPasswordReset, eraseMe];

const markers = new Markers();
let collector: Collector;
let mailServer: MailServer;
let stack: TestStack;
const refused = new Set<string>();

beforeAll(async () => {
  collector = await startCollector();
  mailServer = await startMailServer((address) => refused.has(address));
  stack = await startTestStack({
    replicas: 2,
    faults: true,
    tuning: {
      ...unlimited,
      ANNALS_LOG_LEVEL: 'debug',
      ANNALS_OTLP_ENDPOINT: collector.url,
      ANNALS_SMTP_URL: mailServer.url,
    },
  });
});
afterAll(async () => {
  await stack?.stop();
  await mailServer?.close();
  await collector?.close();
});

/** All that the processes wrote to their logs. */
async function logs(): Promise<string> {
  const folder = join(stack.dataFolder, 'logs');
  const files = await readdir(folder);
  return (await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))).join('\n');
}

async function rowsOf(sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: stack.databaseUrl });
  await client.connect();
  return client
    .query<Record<string, unknown>>(sql)
    .then(({ rows }) => rows)
    .finally(() => client.end());
}

/** People whose mail is refused, and whose profile is parked. */
async function plantTrouble(): Promise<void> {
  const fault = stack.faults.arm({
    ...{ service: 'projector', point: 'folding', match: /^profile_documents_v4 ProfileUpdated / },
    ...{ action: 'throw', isLasting: true },
  });
  const before = markers.count;
  refused.add(markers.plant('email', 'refused mail'));
  const [email = ''] = refused;
  const username = markers.plant('username', 'refused mail');
  const api = (await plantPersonAs({ username, email })).api;
  await api.ok(updateMe, { body: { bio: markers.plant('bio', 'parked') } });
  await expect.poll(() => countParked(stack), { timeout: 60_000 }).toBeGreaterThan(0);
  await expect.poll(() => mailServer.refused.length, { timeout: 60_000 }).toBeGreaterThan(0);
  await expect.poll(logs, { timeout: 10_000 }).toContain('a job failed');
  expect(markers.count).toBeGreaterThan(before);
  fault.disarm();
}

async function plantPersonAs(person: { username: string; email: string }): Promise<Marked> {
  const password = markers.plant('password', 'refused mail');
  const api = new Api(stack.url);
  const registered = await api.ok(registerUser, { body: { ...person, password } });
  const { body } = await api.ok(createSession, { body: { login: person.username, password } });
  return { ...person, password, id: registered.body.id, api: api.as(body.accessToken) };
}

async function plantInSocket(token: string): Promise<void> {
  for (const replica of [1, 2]) {
    const socket = await PushClient.open(stack.mainUrl('notifier', replica));
    await socket.request({ id: 1, type: 'authenticate', token: markers.bare('token of a socket') });
    await socket.request({ id: 2, type: 'authenticate', token });
    await socket.request({ id: 3, type: 'subscribe', channel: `article:${markers.bare('channel')}` });
    socket.send({ type: markers.bare('message') });
    await socket.close();
  }
}

it('a personal field never appears in plaintext', async () => {
  const people: Marked[] = [];
  for (let n = 0; n < PEOPLE; n++) people.push(await plantPerson(stack, markers, 'success'));
  const [known] = people;
  if (!known) throw new Error('nobody was planted');
  await plantFailures(stack, markers, known);
  await plantTrouble();
  const token = known.api.token ?? '';
  await plantInSocket(token);
  const safe = routes.filter(({ name }) => !['endSession', 'endSessions'].includes(name));
  for (const service of ['command-api', 'query-api', 'notifier'] as const) {
    const own = safe.filter((route) => route.service === service);
    await plantNonsense(stack.mainUrl(service), markers, own, undefined);
    await plantNonsense(stack.mainUrl(service, 2), markers, own, token);
  }
  await plantNonsense(stack.url, markers, safe, token);
  await expect.poll(() => mailServer.accepted.length, { timeout: 60_000 }).toBeGreaterThanOrEqual(PEOPLE);

  // Whatever is sent in batches has been sent when this has.
  const headers = { authorization: `Bearer ${token}` };
  const traces = await Promise.all(
    [`/v1/users/${known.username}`, '/v1/sessions'].map((path) => traced(stack.url, path, { headers })),
  );
  for (const trace of traces) await expect.poll(() => collector.has(trace), { timeout: 60_000 }).toBe(true);

  const columns = await scanStores(stack, markers);
  const elsewhere = [...columns.findings].filter(([column]) => !(column in shown));
  expect(elsewhere).toEqual([]);
  // The search finds what there is to find, and the list above names nothing that is not so.
  const expected = Object.keys(shown).filter((place) => stack.mongodbUrl === null || !inRowsAlone.has(place));
  expect([...columns.findings.keys()].toSorted()).toEqual(expected.toSorted());

  const lines = await logs();
  expect(lines).toContain('/v1/users/{idOrUsername}');
  expect(markers.find(lines)).toEqual([]);

  const spans = collector.text();
  for (const service of ['command-api', 'query-api', 'worker']) expect(spans).toContain(service);
  expect(markers.find(spans)).toEqual([]);

  for (const service of ['command-api', 'query-api', 'notifier', 'projector', 'worker'] as const) {
    const metrics = await (await fetch(`${stack.opsUrl(service)}/metrics`)).text();
    expect(markers.find(metrics), `metrics of ${service}`).toEqual([]);
  }
  report(NUMBER, { markers: markers.count, tables: columns.tables, columns: columns.columns });
  report(NUMBER, { 'log lines': lines.split('\n').length, 'bytes of spans': spans.length });
});

it('I8 of an erased person nothing is left in any table, and nothing comes back', async () => {
  const place = 'erased';
  const person = await plantPerson(stack, markers, place);
  const exported = await person.api.ok(requestExport);
  const params = { id: exported.body.id };
  await expect
    .poll(async () => (await person.api.ok(getExport, { params })).body.status, { timeout: 60_000 })
    .toBe('done');
  const left = async () =>
    [...(await scanStores(stack, markers)).findings].filter(([, places]) =>
      places.some((one) => one.endsWith(` ${place}`)),
    );
  expect(await left()).not.toEqual([]);
  await person.api.ok(eraseMe, { body: { password: person.password } });
  await expect.poll(left, { timeout: 60_000 }).toEqual([]);
  const destroyed = `select from privacy.subject_keys where subject = '${person.id}' and wrapped is null`;
  await expect.poll(async () => (await rowsOf(destroyed)).length, { timeout: 60_000 }).toBe(1);
  // The log can be read from its beginning, and says no more than the views.
  const profile = await person.api.as('').call(getUser, { params: { idOrUsername: person.id } });
  expect(profile.body).toMatchObject({ username: null, displayName: 'deleted user' });
});

it('every route that takes personal data, and every personal field, is among what was planted', () => {
  const taking = routes.filter((route) => personalFieldsOf(route).length > 0);
  expect(taking.map(({ name }) => name).toSorted()).toEqual(planted.map(({ name }) => name).toSorted());
  const fields = new Set(planted.flatMap(personalFieldsOf));
  expect([...personalFields].filter((field) => !fields.has(field))).toEqual([]);
});
