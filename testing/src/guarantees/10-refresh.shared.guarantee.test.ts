import { createSession, refreshSession } from '@annals/contracts/identity/session.routes';
import type { SessionTokens } from '@annals/contracts/identity/views';
import { openEventStore } from '@annals/platform/event-store/open';
import type { EventStore } from '@annals/platform/event-store/port';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Answer, Api } from '../e2e/client.ts';
import { newPerson, PASSWORD, type Person } from '../e2e/people.ts';
import { sharedStack } from '../shared-stack.ts';
import { counts } from './counts.ts';
import { expectIn, expectOut, REPLICAS } from './doors.ts';
import { crashesByPoint, report } from './report.ts';

const NUMBER = 10;
const FAMILIES = counts(2, 20);
/** Tabs that refresh one token at once. */
const TABS = 8;
/** Crashes at each point. */
const CRASHES = counts(1, 10);

const stack = sharedStack();
let database: pg.Client;
let log: EventStore;
let ada: Person;

beforeAll(async () => {
  database = new pg.Client({ connectionString: stack.databaseUrl });
  await database.connect();
  log = await openEventStore(stack, { application: 'guarantees' });
  ada = await newPerson(stack.url, 'ada');
});
afterAll(async () => {
  await log.close();
  await database.end();
  await stack.stop();
});

/** Begins a family of tokens. */
async function logIn(): Promise<SessionTokens> {
  const answer = await new Api(stack.url).ok(createSession, {
    body: { login: ada.username, password: PASSWORD },
  });
  return answer.body;
}

/** Refreshes at the replica `n` falls to. */
function refresh(refreshToken: string, n = 1): Promise<Answer> {
  const replica = REPLICAS[n % REPLICAS.length] ?? 1;
  return new Api(stack.mainUrl('command-api', replica)).call(refreshSession, { body: { refreshToken } });
}

/** Refreshes until there is an answer: the process that was asked may have died. */
async function refreshAgain(refreshToken: string): Promise<Answer> {
  return refresh(refreshToken, 0).catch(() => refresh(refreshToken, 1));
}

/** Many tabs at once, at both replicas. */
async function refreshInTabs(refreshToken: string): Promise<SessionTokens[]> {
  const answers = await Promise.all(Array.from({ length: TABS }, (_, n) => refresh(refreshToken, n)));
  expect(answers.map(({ status }) => status)).toEqual(Array(TABS).fill(200));
  return answers.map(({ body }) => body);
}

const sessionIdOf = ({ accessToken }: SessionTokens): string =>
  JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()).sid;

/** Lets the grace of everything that was rotated so far pass. */
async function passGrace(family: SessionTokens): Promise<void> {
  await database.query(
    `update command_api.refresh_tokens set rotated_at = rotated_at - interval '10.1 seconds' where session_id = $1`,
    [sessionIdOf(family)],
  );
}

async function revocationsOf(family: SessionTokens): Promise<unknown[]> {
  const events = await log.read(`session-${sessionIdOf(family)}`);
  return events
    .filter(({ type }) => type === 'SessionRevoked')
    .map(({ data }) => (data as { reason: string }).reason);
}

/** Nothing of the family is of any use, at any replica; the log says why, once. */
async function expectRevoked(family: SessionTokens, pairs: readonly SessionTokens[]): Promise<void> {
  const refused = await Promise.all(pairs.map(({ refreshToken }, n) => refresh(refreshToken, n)));
  for (const { status, body } of refused) {
    expect({ status, code: body.code }).toEqual({ status: 401, code: 'invalid-refresh-token' });
  }
  await expect.poll(() => revocationsOf(family), { timeout: 15_000 }).toEqual(['refresh-token-reused']);
  await Promise.all(pairs.map(({ accessToken }) => expectOut(stack, accessToken)));
}

it('a reused refresh token revokes its family, parallel tabs do not', async () => {
  const other = await logIn();
  for (let n = 0; n < FAMILIES; n++) {
    const family = await logIn();
    const tabs = await refreshInTabs(family.refreshToken);
    expect(new Set(tabs.map(({ refreshToken }) => refreshToken)).size).toBe(TABS);
    for (const { accessToken } of tabs) await expectIn(stack, accessToken);
    // Each tab goes on by itself, at the other replica.
    const next = await Promise.all(tabs.map(({ refreshToken }, tab) => refresh(refreshToken, tab + 1)));
    expect(next.map(({ status }) => status)).toEqual(Array(TABS).fill(200));
    expect(await revocationsOf(family)).toEqual([]);

    await passGrace(family);
    const thieves = await Promise.all([0, 1].map((replica) => refresh(family.refreshToken, replica)));
    expect(thieves.map(({ status }) => status)).toEqual([401, 401]);
    await expectRevoked(family, [...tabs, ...next.map(({ body }) => body)]);
  }
  await expectIn(stack, other.accessToken);
  expect((await refresh(other.refreshToken)).status).toBe(200);
  report(NUMBER, { families: FAMILIES, tabs: FAMILIES * TABS });
});

it('a process that dies between rotation and answer logs nobody out', async () => {
  for (let n = 0; n < CRASHES; n++) {
    const family = await logIn();
    const fault = stack.faults.arm({
      ...{ service: 'command-api', replica: 1, point: 'rotated', action: 'kill' },
    });
    await expect(refresh(family.refreshToken, 0)).rejects.toThrow();
    await fault.fired();
    const { status, body } = await refreshAgain(family.refreshToken);
    expect(status).toBe(200);
    await stack.ready('command-api');
    await expectIn(stack, body.accessToken);
    expect((await refresh(body.refreshToken)).status).toBe(200);
    expect(await revocationsOf(family)).toEqual([]);
    // The one that never arrived does not spare a thief.
    await passGrace(family);
    expect((await refresh(family.refreshToken)).status).toBe(401);
    await expectRevoked(family, [body]);
  }
  report(NUMBER, crashesByPoint(stack.faults.fired()));
});

it('a process that dies between revocation and its telling leaves no family half revoked', async () => {
  for (let n = 0; n < CRASHES; n++) {
    const family = await logIn();
    const { body: next } = await refresh(family.refreshToken);
    await passGrace(family);
    const fault = stack.faults.arm({
      ...{ service: 'command-api', replica: 1, point: 'revoked', action: 'kill' },
    });
    await expect(refresh(family.refreshToken, 0)).rejects.toThrow();
    await fault.fired();
    expect((await refresh(next.refreshToken, 1)).status).toBe(401);
    await stack.ready('command-api');
    await expectRevoked(family, [family, next]);
  }
  report(NUMBER, crashesByPoint(stack.faults.fired()));
});
