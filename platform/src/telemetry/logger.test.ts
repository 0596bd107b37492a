import { expect, it } from 'vitest';
import { createLogger } from './logger.ts';

function captured() {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) };
  return { lines, logger: createLogger({ service: 'tested', level: 'debug', destination }) };
}

it('writes JSON lines with service, level, time and the trace of a child logger', () => {
  const { lines, logger } = captured();
  logger.child({ traceId: 'abc' }).info({ count: 1 }, 'hello');
  expect(lines).toEqual([
    {
      level: 'info',
      time: expect.stringMatching(/Z$/),
      service: 'tested',
      traceId: 'abc',
      count: 1,
      message: 'hello',
    },
  ]);
});

it('keeps secrets out, also in nested objects, lists and child loggers', () => {
  const { lines, logger } = captured();
  logger.info({
    authorization: 'hunter2',
    request: { headers: { authorization: 'hunter2' } },
    body: { password: 'hunter2' },
  });
  logger.child({ token: 'hunter2' }).info({ list: [{ a: { b: { cookie: 'hunter2' } } }], kept: ['x'] });
  logger.info({ config: { masterKey: 'hunter2', databaseUrl: 'hunter2' }, refreshToken: 'hunter2' });
  expect(JSON.stringify(lines)).not.toContain('hunter2');
  expect(JSON.stringify(lines)).toContain('[redacted]');
  expect(lines[1]?.kept).toEqual(['x']);
});

it('says of an error its type, message, code, stack and cause, but not the row that a database error quotes', () => {
  const { lines, logger } = captured();
  const cause = Object.assign(new Error('duplicate key'), {
    code: '23505',
    detail: 'Key (email)=(a@b.org) already exists.',
  });
  logger.error({ err: new TypeError('failed', { cause }) });
  logger.error({ err: 'thrown text' });
  // Under any name, at any depth.
  logger.error({ error: cause, task: { list: [cause], a: { b: { c: { d: { e: cause } } } } } });
  expect(lines[2]?.error).toMatchObject({ message: 'duplicate key', code: '23505' });
  expect(lines[0]?.err).toMatchObject({
    type: 'TypeError',
    message: 'failed',
    stack: expect.any(String),
    cause: { message: 'duplicate key', code: '23505' },
  });
  expect(lines[1]?.err).toEqual({ type: 'string', message: 'thrown text' });
  expect(JSON.stringify(lines)).not.toContain('a@b.org');
});
