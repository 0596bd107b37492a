import { randomBytes, randomUUID } from 'node:crypto';
import { testDatabase } from '@annals/testing/servers/postgres';
import { keyStoreSuite } from '@annals/testing/suites/key-store.suite';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { createPool } from '../postgres/pool.ts';
import { UnreadablePersonalData } from './port.ts';
import { createPostgresKeyStore } from './postgres-keys.ts';

const database = await testDatabase();
const pool = createPool({ url: database.url, application: 'tested' });
const masterKey = randomBytes(32);
const open = () => createPostgresKeyStore({ pool, masterKey });

afterAll(async () => {
  await pool.end();
  await database.drop();
});

keyStoreSuite('postgres', open);

describe('key store: postgres', () => {
  it('keeps no key in the clear, and none at all once destroyed', async () => {
    const subject = randomUUID();
    const store = await open();
    const key = (await store.ensure([subject])).get(subject);
    const stored = async () =>
      (await pool.query('select wrapped from privacy.subject_keys where subject = $1', [subject])).rows[0]
        .wrapped;
    expect(key?.state === 'usable' && (await stored()).includes(key.key.export())).toBe(false);
    await store.destroy(subject);
    expect(await stored()).toBeNull();
  });

  it('throws for a wrong master key rather than let it look like an erasure', async () => {
    const subject = randomUUID();
    await (await open()).ensure([subject]);
    const wrong = await createPostgresKeyStore({ pool, masterKey: randomBytes(32) });
    await expect(wrong.read([subject])).rejects.toThrow(UnreadablePersonalData);
    await expect(wrong.ensure([subject])).rejects.toThrow(UnreadablePersonalData);
  });

  it('throws for a wrapped key that was given to another person', async () => {
    const [a, b] = [randomUUID(), randomUUID()];
    await (await open()).ensure([a, b]);
    await pool.query(
      'update privacy.subject_keys set wrapped = (select wrapped from privacy.subject_keys where subject = $1) where subject = $2',
      [a, b],
    );
    await expect((await open()).read([b])).rejects.toThrow(UnreadablePersonalData);
  });

  it('reads many keys in one statement, and remembered ones in none', async () => {
    const subjects = Array.from({ length: 50 }, () => randomUUID());
    await (await open()).ensure(subjects);
    const store = await open();
    const query = vi.spyOn(pool, 'query');
    await store.read(subjects);
    await store.read(subjects);
    expect(query).toHaveBeenCalledTimes(1);
    query.mockRestore();
  });

  it('forgets within seconds a key that another process destroyed', async () => {
    const subject = randomUUID();
    const [here, elsewhere] = [await open(), await open()];
    await here.ensure([subject]);
    await elsewhere.destroy(subject);
    expect((await here.read([subject])).get(subject)?.state).toBe('usable');
    const now = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 5_001);
    await vi.waitFor(async () => expect((await here.read([subject])).get(subject)?.state).toBe('destroyed'));
    now.mockRestore();
  });
});
