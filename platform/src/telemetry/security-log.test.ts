import { expect, it } from 'vitest';
import { createLogger } from './logger.ts';
import { createSecurityLog } from './security-log.ts';

it('X3 writes lines of their own category, also where the log is to be quiet', () => {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) };
  const logger = createLogger({ service: 'tested', level: 'error', destination });
  createSecurityLog(logger).tell('log-in', 'refused', {
    userId: 'u',
    address: '::1',
    reason: 'wrong-password',
  });
  logger.info('dropped');
  createSecurityLog(createLogger({ service: 'tested', level: 'silent', destination })).tell(
    'log-in',
    'done',
    {},
  );
  expect(lines).toEqual([
    expect.objectContaining({
      level: 'info',
      category: 'security',
      action: 'log-in',
      outcome: 'refused',
      userId: 'u',
      address: '::1',
      reason: 'wrong-password',
    }),
  ]);
});
