/**
 * The security log [X3]: lines of the service's log with `"category":"security"`, written whatever the log's level is
 * (but for `silent`). They name people by id and callers by address, and hold no other personal data.
 */
import type { Logger } from './logger.ts';

export interface SecurityDetails {
  /** Whom it concerns; null where nobody is known. */
  readonly userId?: string | null;
  /** Who did it, where that is somebody else: a user's id, or a service's name. */
  readonly by?: string | null;
  readonly address?: string;
  readonly traceId?: string;
  readonly reason?: string;
  readonly permission?: string;
  readonly route?: string;
  readonly method?: string;
  readonly status?: number;
}

export interface SecurityLog {
  /** `action`: kebab-case, e.g. `log-in`. Writes one line. */
  tell(action: string, outcome: 'done' | 'refused' | 'locked', details: SecurityDetails): void;
}

export function createSecurityLog(logger: Logger): SecurityLog {
  const level = logger.level === 'silent' ? 'silent' : 'info';
  const lines = logger.child({ category: 'security' }, { level });
  return {
    tell: (action, outcome, details) => lines.info({ action, outcome, ...details }, `${action}: ${outcome}`),
  };
}
