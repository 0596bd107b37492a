/** Log-ins, sessions and who is out, put together. */
import type { Permission } from '@annals/contracts/kit/route';
import { streamOf } from '../commands/decider.ts';
import type { Faults } from '../commands/faults.ts';
import type { Config } from '../config.ts';
import type { Platform } from '../platform.ts';
import type { WriteSide } from '../write-side.ts';
import { type AccessTokens, createAccessTokens } from './access-tokens.ts';
import { users } from './deciders.ts';
import { createLogIn, type LogIn } from './log-in.ts';
import { createSessionStore, type SessionStore } from './session-store.ts';
import { createSessions, type Sessions } from './sessions.ts';

export interface Identity {
  readonly tokens: AccessTokens;
  readonly store: SessionStore;
  readonly sessions: Sessions;
  readonly logIn: LogIn;
  /** The permissions of a session's user; null where the session has ended or its user may not go on. */
  standingOf(sessionId: string): Promise<ReadonlySet<Permission> | null>;
}

export async function createIdentity(
  { jwtPrivateKey: privateKey, publicUrl: issuer }: Config,
  { pool, log }: Platform,
  { streams, reservations, services, permissionsOf }: WriteSide,
  faults: Faults | undefined,
): Promise<Identity> {
  const tokens = await createAccessTokens({ privateKey, issuer });
  const store = createSessionStore(pool);
  const mayContinue = async (userId: string) => {
    const { state } = (await streams.load(streamOf(users, userId))).snapshot;
    return state.status === 'registered' && !state.isDisabled;
  };
  const sessions = createSessions({ store, log, tokens, mayContinue, faults });
  const { credentials, passwords } = services;
  return {
    tokens,
    store,
    sessions,
    async standingOf(sessionId) {
      const userId = await sessions.ownerOf(sessionId);
      return userId === null ? null : permissionsOf(userId);
    },
    logIn: createLogIn({ streams, reservations, credentials, passwords, store, sessions }),
  };
}
