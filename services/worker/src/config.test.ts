import { resolve } from 'node:path';
import { ConfigError, loadConfig } from '@annals/platform/config/config';
import { expect, test } from 'vitest';
import { configSchema } from './config.ts';

const valid = {
  ANNALS_DATABASE_URL: 'postgres://localhost/annals',
  ANNALS_OPS_PORT: '9085',
  ANNALS_OPERATOR_TOKEN: 'x'.repeat(20),
  ANNALS_PUBLIC_URL: 'http://127.0.0.1:8080/',
  ANNALS_MASTER_KEY: Buffer.alloc(32).toString('base64'),
  ANNALS_HMAC_KEY: Buffer.alloc(32).toString('base64'),
  ANNALS_COMMAND_API_URL: 'http://127.0.0.1:8081',
  ANNALS_QUERY_API_URL: 'http://127.0.0.1:8082',
  ANNALS_SERVICE_TOKEN: 'y'.repeat(20),
  ANNALS_MAIL_FOLDER: 'mails',
};

function mistakes(env: Record<string, string | undefined>): readonly string[] {
  try {
    loadConfig(configSchema, env);
    return [];
  } catch (error) {
    return error instanceof ConfigError ? error.mistakes : [String(error)];
  }
}

test('a relative mail folder becomes absolute', () => {
  expect(loadConfig(configSchema, valid).mailFolder).toBe(resolve('mails'));
});

test('mails go to a folder or to a server: one of them, and it is said together with all other mistakes', () => {
  const hint = 'ANNALS_MAIL_FOLDER: set this or ANNALS_SMTP_URL, not both';
  expect(mistakes({ ...valid, ANNALS_SMTP_URL: 'smtp://localhost' })).toEqual([hint]);
  expect(mistakes({ ...valid, ANNALS_MAIL_FOLDER: undefined })).toEqual([hint]);
  expect(mistakes({ ...valid, ANNALS_MAIL_FOLDER: undefined, ANNALS_OPS_PORT: 'x' })).toHaveLength(2);
});

test.each(['http://localhost', 'localhost', 'ftp://localhost'])('%s is no SMTP URL', (url) => {
  expect(mistakes({ ...valid, ANNALS_MAIL_FOLDER: undefined, ANNALS_SMTP_URL: url })).toContain(
    'ANNALS_SMTP_URL: must be an smtp or smtps URL',
  );
});

test.each(['nobody', 'a@b\r\nBcc: c@d', 'Name <a b@c>', '<@>'])('%j is no sender', (from) => {
  expect(mistakes({ ...valid, ANNALS_MAIL_FROM: from })).toEqual([
    'ANNALS_MAIL_FROM: must be an address, or Name <address>',
  ]);
});
