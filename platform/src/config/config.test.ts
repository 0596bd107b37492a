import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { commaList, edgeFields, jwtPrivateKey, masterKey, serviceFields, serviceTokens } from './common.ts';
import { ConfigError, loadConfig } from './config.ts';

const valid = {
  ANNALS_DATABASE_URL: 'postgres://annals:secret@localhost/annals',
  ANNALS_OPS_PORT: '9081',
  ANNALS_OPERATOR_TOKEN: 'operator-token-of-length',
};

function mistakesOf(load: () => unknown): readonly string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
  return [];
}

describe('loadConfig', () => {
  const schema = z.object(serviceFields);

  it('reads camelCase fields from ANNALS_ variables, with defaults', () => {
    expect(loadConfig(schema, { ...valid, PATH: '/bin', ANNALS_LOG_LEVEL: '' })).toEqual({
      databaseUrl: valid.ANNALS_DATABASE_URL,
      host: '127.0.0.1',
      opsPort: 9081,
      logLevel: 'info',
      operatorToken: valid.ANNALS_OPERATOR_TOKEN,
    });
  });

  it('reports every mistake at once: missing, invalid and unknown variables', () => {
    const env = { ...valid, ANNALS_DATABASE_URL: '', ANNALS_OPS_PORT: '99999', ANNALS_LOG_LEVL: 'debug' };
    expect(mistakesOf(() => loadConfig(schema, env))).toEqual([
      'ANNALS_DATABASE_URL: is required',
      'ANNALS_OPS_PORT: must be between 0 and 65535',
      'ANNALS_LOG_LEVL: no such setting',
    ]);
  });

  it('refuses an unknown ANNALS_ variable even where everything else is right', () => {
    expect(mistakesOf(() => loadConfig(schema, { ...valid, ANNALS_X: '1' }))).toEqual([
      'ANNALS_X: no such setting',
    ]);
  });

  it('never prints a value', () => {
    const hidden = 'Hunter2';
    const all = z.object({
      ...serviceFields,
      ...edgeFields,
      masterKey,
      jwtPrivateKey,
      serviceTokens,
      list: commaList(z.uuid()),
    });
    const names = Object.keys(all.shape).map(
      (field) => `ANNALS_${field.replace(/[A-Z]/g, '_$&').toUpperCase()}`,
    );
    const env = Object.fromEntries(names.map((name) => [name, hidden]));
    const mistakes = mistakesOf(() => loadConfig(all, env));
    // Any text is a host.
    expect(mistakes).toHaveLength(names.length - 1);
    expect(new ConfigError(mistakes).message).not.toContain(hidden);
  });

  it('freezes the result and its lists', () => {
    const config = loadConfig(z.object({ list: commaList() }), { ANNALS_LIST: 'a, b,' });
    expect(config.list).toEqual(['a', 'b']);
    expect(Object.isFrozen(config) && Object.isFrozen(config.list)).toBe(true);
  });
});

describe('common settings', () => {
  const parse = <Schema extends z.ZodType>(schema: Schema, value: string) => schema.safeParse(value);

  it('takes 32 bytes in base64 as a key, and nothing else', () => {
    expect(parse(masterKey, Buffer.alloc(32, 1).toString('base64')).data).toEqual(Buffer.alloc(32, 1));
    expect(parse(masterKey, Buffer.alloc(31, 1).toString('base64')).success).toBe(false);
  });

  it('takes an Ed25519 key in PEM, and no other kind', () => {
    const pem = (type: 'ed25519' | 'x25519') => {
      const { privateKey } =
        type === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('x25519');
      return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    };
    const good = pem('ed25519');
    expect(parse(jwtPrivateKey, Buffer.from(good).toString('base64')).data).toBe(good);
    expect(parse(jwtPrivateKey, Buffer.from(pem('x25519')).toString('base64')).success).toBe(false);
  });

  it('gives service tokens by name', () => {
    const text = 'worker=0123456789-0123456789,notifier=abcdefghij=abcdefghij';
    expect(parse(serviceTokens, text).data).toEqual(
      new Map([
        ['worker', '0123456789-0123456789'],
        ['notifier', 'abcdefghij=abcdefghij'],
      ]),
    );
  });

  it('takes trusted proxies as CIDRs and origins as URLs', () => {
    expect(parse(edgeFields.trustedProxies, '10.0.0.0/8,fd00::/8').data).toEqual(['10.0.0.0/8', 'fd00::/8']);
    expect(parse(edgeFields.trustedProxies, 'example.org').success).toBe(false);
    expect(parse(edgeFields.allowedOrigins, 'https://example.org/').data).toEqual(['https://example.org']);
  });
});
