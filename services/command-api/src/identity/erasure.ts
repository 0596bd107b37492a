/**
 * What follows `UserErased` [I8]: sessions end, and whatever command-api keeps of the person goes; last the key of the
 * personal data, with which it is gone from the log. Doing it again does no harm.
 */
import type { KeyStore } from '@annals/platform/privacy/port';
import type { Avatars } from './avatars.ts';
import type { Credentials } from './credentials.ts';
import type { UserState } from './domain/user.ts';
import type { Exports } from './exports.ts';
import type { LoginLog } from './login-log.ts';
import type { Sessions } from './sessions.ts';

export interface Erasure {
  /** Carries out the erasure of a user whom the log says to be erased. Throws for anyone else. */
  carryOut(userId: string): Promise<void>;
}

export function createErasure(options: {
  readonly keys: KeyStore;
  readonly credentials: Credentials;
  readonly sessions: Sessions;
  readonly loginLog: LoginLog;
  readonly exports: Exports;
  readonly avatars: Avatars;
  readonly userOf: (userId: string) => Promise<UserState>;
}): Erasure {
  const { keys, credentials, sessions, loginLog, exports, avatars, userOf } = options;
  return {
    async carryOut(userId) {
      const { status } = await userOf(userId);
      if (status !== 'erased') throw new Error(`${userId} is not to be erased`);
      await sessions.endErased(userId);
      await credentials.erase(userId);
      await loginLog.erase(userId);
      await exports.erase(userId);
      await avatars.erase(userId);
      await keys.destroy(userId);
    },
  };
}
