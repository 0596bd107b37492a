import { catalogue } from '@annals/contracts/catalogue';
import type { UserEvent } from '@annals/contracts/identity/user.events';
import { createEventLog } from '@annals/platform/event-log/event-log';
import type { EventLog } from '@annals/platform/event-log/log';
import { createMemoryEventStore } from '@annals/platform/event-store/memory';
import { migrate } from '@annals/platform/postgres/migrate';
import { createPool } from '@annals/platform/postgres/pool';
import { createMemoryKeyStore } from '@annals/platform/privacy/memory-keys';
import { uuidv7 } from '@annals/platform/uuid';
import { testDatabase } from '@annals/testing/servers/postgres';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { migrations } from '../schema.ts';
import { evolve, initial, type UserState } from './domain/user.ts';
import { createSessionStore, type SessionStore } from './session-store.ts';
import { createSessions, type Sessions } from './sessions.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: pg.Pool;
let store: SessionStore;

beforeAll(async () => {
  database = await testDatabase();
  pool = createPool({ url: database.url, application: 'test' });
  await migrate(pool, 'command-api', migrations);
  store = createSessionStore(pool);
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

const client = { ip: '127.0.0.1', userAgent: 'test' };
const ada = uuidv7();
let log: EventLog;
let disabled: Set<string>;
let erased: Set<string>;
let passwords: Map<string, { passwordId: string; sessionId: string | null }>;
let sessions: Sessions;

beforeEach(() => {
  log = createEventLog({ store: createMemoryEventStore(), catalogue, keys: createMemoryKeyStore() });
  disabled = new Set();
  erased = new Set();
  passwords = new Map();
  sessions = sessionsOn(log);
});

function sessionsOn(eventLog: EventLog): Sessions {
  return createSessions({
    store,
    log: eventLog,
    tokens: { sign: async (userId, sessionId) => `${userId} ${sessionId}`, jwks: { keys: [] } },
    userOf: async (userId) => {
      const password = passwords.get(userId);
      const events: UserEvent[] = [
        { type: 'UserRegistered', data: { ...person, userId } },
        ...(password ? [{ type: 'PasswordChanged' as const, data: { userId, ...password } }] : []),
        ...(disabled.has(userId) ? [{ type: 'UserDisabled' as const, data: { userId } }] : []),
        ...(erased.has(userId) ? [{ type: 'UserErased' as const, data: { userId } }] : []),
      ];
      return events.reduce<UserState>(evolve, initial);
    },
  });
}

const person = { username: 'ada', email: 'a@b.org', firstName: '', lastName: '', imported: false };

/** Begins a session with the password that counts. */
async function start(userId: string, passwordId = passwords.get(userId)?.passwordId ?? userId) {
  const tokens = await sessions.start(userId, passwordId, client);
  if (!tokens) throw new Error('the session did not begin');
  return tokens;
}

const sessionOf = (tokens: { accessToken: string }) => tokens.accessToken.split(' ')[1] ?? '';
const refused = { code: 'invalid-refresh-token' };

/** Lets time pass for what a session and its tokens remember. */
async function age(sessionId: string, interval: string): Promise<void> {
  await pool.query(
    `update command_api.refresh_tokens set rotated_at = rotated_at - $2::interval where session_id = $1`,
    [sessionId, interval],
  );
  await pool.query(`update command_api.sessions set expires_at = expires_at - $2::interval where id = $1`, [
    sessionId,
    interval,
  ]);
}

describe('refresh tokens', () => {
  test('I3 rotate: each is taken once, and gives the next', async () => {
    const first = await start(ada);
    const second = await sessions.refresh(first.refreshToken);
    const third = await sessions.refresh(second.refreshToken);
    expect(new Set([first, second, third].map(({ refreshToken }) => refreshToken)).size).toBe(3);
    expect(sessionOf(third)).toBe(sessionOf(first));
  });

  test('I3 parallel tabs within the grace all get a valid pair', async () => {
    const { refreshToken } = await start(ada);
    const tabs = await Promise.all([1, 2, 3].map(() => sessions.refresh(refreshToken)));
    expect(new Set(tabs.map((tab) => tab.refreshToken)).size).toBe(3);
    for (const tab of tabs) await sessions.refresh(tab.refreshToken);
  });

  test('I3 just within the grace a rotated token is taken, just past it the whole family is revoked', async () => {
    const first = await start(ada);
    const second = await sessions.refresh(first.refreshToken);
    await age(sessionOf(first), '5 seconds');
    await sessions.refresh(first.refreshToken);
    await age(sessionOf(first), '5100 milliseconds');
    await expect(sessions.refresh(first.refreshToken)).rejects.toMatchObject(refused);
    await expect(sessions.refresh(second.refreshToken)).rejects.toMatchObject(refused);
    expect(await sessions.ownerOf(sessionOf(first))).toBe(null);
    const events = await log.read(`session-${sessionOf(first)}`);
    expect(events.map(({ type, data }) => ({ type, data }))).toEqual([
      {
        type: 'SessionRevoked',
        data: { sessionId: sessionOf(first), userId: ada, reason: 'refresh-token-reused' },
      },
    ]);
  });

  test('I3 using a rotated token again and again does not stretch the grace', async () => {
    const first = await start(ada);
    await sessions.refresh(first.refreshToken);
    await age(sessionOf(first), '6 seconds');
    await sessions.refresh(first.refreshToken);
    await age(sessionOf(first), '6 seconds');
    await expect(sessions.refresh(first.refreshToken)).rejects.toMatchObject(refused);
  });

  test('I3 end with their session after 30 days, however often they were rotated', async () => {
    const first = await start(ada);
    await age(sessionOf(first), '29 days 23 hours');
    const last = await sessions.refresh(first.refreshToken);
    expect(last.refreshExpiresIn).toBeLessThanOrEqual(3_600);
    await age(sessionOf(first), '1 hour');
    await expect(sessions.refresh(last.refreshToken)).rejects.toMatchObject(refused);
  });

  test('I3 of disabled users are refused', async () => {
    const { refreshToken } = await start(ada);
    disabled.add(ada);
    await expect(sessions.refresh(refreshToken)).rejects.toMatchObject(refused);
  });

  test('that nobody issued are refused', async () => {
    await expect(sessions.refresh('x'.repeat(43))).rejects.toMatchObject(refused);
  });

  test('lie in the table as hashes only', async () => {
    const { refreshToken } = await start(ada);
    const { rows } = await pool.query(
      `select encode(token_hash, 'escape') as text from command_api.refresh_tokens`,
    );
    expect(rows.map(({ text }) => text).join()).not.toContain(refreshToken);
  });
});

describe('the end of a session', () => {
  test('I3 is told by one event, however often it is ended', async () => {
    const tokens = await start(ada);
    await sessions.end(sessionOf(tokens));
    await sessions.end(sessionOf(tokens));
    expect(await log.read(`session-${sessionOf(tokens)}`)).toHaveLength(1);
    await expect(sessions.refresh(tokens.refreshToken)).rejects.toMatchObject(refused);
  });

  test('I3 that could not be told at once is told later, once', async () => {
    const tokens = await start(ada);
    const failing = sessionsOn({ ...log, append: () => Promise.reject(new Error('away')) });
    await expect(failing.end(sessionOf(tokens))).rejects.toThrow('away');
    expect(await sessions.ownerOf(sessionOf(tokens))).toBe(null);
    for (const _ of [1, 2]) await sessions.announcePending();
    expect(await log.read(`session-${sessionOf(tokens)}`)).toHaveLength(1);
    expect(await store.findUnannounced(10)).toEqual([]);
  });

  test('I3 log out everywhere ends every session of the user, and nobody else’s', async () => {
    const user = uuidv7();
    const own = await Promise.all([1, 2, 3].map(() => start(user)));
    const other = await start(ada);
    expect((await sessions.list(user)).count).toBe(3);
    await sessions.endAll(user);
    for (const tokens of own) {
      expect(await log.read(`session-${sessionOf(tokens)}`)).toHaveLength(1);
      await expect(sessions.refresh(tokens.refreshToken)).rejects.toMatchObject(refused);
    }
    expect(await sessions.list(user)).toEqual({ sessions: [], count: 0 });
    expect(await sessions.ownerOf(sessionOf(other))).toBe(ada);
  });

  test('I3 sessions are listed with where and when, the last used first', async () => {
    const user = uuidv7();
    const [first, second] = [await start(user), await start(user)];
    const ids = async () => (await sessions.list(user)).sessions.map(({ id }) => id);
    expect(await ids()).toEqual([sessionOf(second), sessionOf(first)]);
    await sessions.refresh(first.refreshToken);
    expect(await ids()).toEqual([sessionOf(first), sessionOf(second)]);
    expect((await sessions.list(user)).sessions[0]).toMatchObject({ ip: '127.0.0.1', device: 'test' });
  });

  test('I6 who is disabled loses all sessions; once enabled again, only those from before', async () => {
    const user = uuidv7();
    const before = await start(user);
    const at = new Date();
    disabled.add(user);
    expect(await sessions.ownerOf(sessionOf(before))).toBe(null);
    disabled.delete(user);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const after = await start(user);
    await sessions.endDisabled(user, at);
    expect(await sessions.ownerOf(sessionOf(before))).toBe(null);
    expect(await sessions.ownerOf(sessionOf(after))).toBe(user);
    disabled.add(user);
    await sessions.endDisabled(user, at);
    disabled.delete(user);
    expect(await sessions.ownerOf(sessionOf(after))).toBe(null);
  });

  test('I5 a change of the password ends all sessions but the one in which it was made', async () => {
    const user = uuidv7();
    const [kept, other] = [await start(user), await start(user)];
    passwords.set(user, { passwordId: uuidv7(), sessionId: sessionOf(kept) });
    // Before anybody has ended it in the table.
    await expect(sessions.refresh(other.refreshToken)).rejects.toMatchObject(refused);
    expect(await sessions.ownerOf(sessionOf(other))).toBe(null);
    const fresh = await start(user);
    await sessions.endOutdated(user);
    expect((await sessions.list(user)).count).toBe(2);
    for (const tokens of [kept, fresh]) await sessions.refresh(tokens.refreshToken);
    expect(await log.read(`session-${sessionOf(other)}`)).toMatchObject([
      { data: { reason: 'password-changed' } },
    ]);
  });

  test('I5 a log-in with a password that was replaced meanwhile begins no session', async () => {
    const user = uuidv7();
    passwords.set(user, { passwordId: uuidv7(), sessionId: null });
    expect(await sessions.start(user, user, client)).toBe(null);
    expect(await sessions.list(user)).toEqual({ sessions: [], count: 0 });
  });

  test('I8 a log-in that an erasure has overtaken begins no session, and leaves no trace of where it was from', async () => {
    const user = uuidv7();
    erased.add(user);
    await sessions.endErased(user);
    expect(await sessions.start(user, user, client)).toBe(null);
    const { rows } = await pool.query(
      'select ip, user_agent, revocation_reason as reason from command_api.sessions where user_id = $1',
      [user],
    );
    expect(rows).toEqual([{ ip: '', user_agent: null, reason: 'erased' }]);
  });

  test('I9 sessions past their time are swept, with their tokens; others stay', async () => {
    const [old, ended, living] = [await start(ada), await start(ada), await start(ada)];
    await age(sessionOf(old), '31 days');
    await sessions.end(sessionOf(ended));
    await store.sweep();
    const { rows } = await pool.query('select distinct session_id as id from command_api.refresh_tokens');
    const left = rows.map(({ id }) => id);
    expect(left).not.toContain(sessionOf(old));
    expect(left).toEqual(expect.arrayContaining([sessionOf(ended), sessionOf(living)]));
  });
});
