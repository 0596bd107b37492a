/** Log-ins, sessions and who is out, put together. */
import type { Permission } from '@annals/contracts/kit/route';
import type { Releasers } from '@annals/platform/lifecycle/releasers';
import type { Faults } from '../commands/faults.ts';
import type { Config } from '../config.ts';
import type { Platform } from '../platform.ts';
import type { WriteSide } from '../write-side.ts';
import { type AccessTokens, createAccessTokens } from './access-tokens.ts';
import type { AvatarImage } from './domain/avatar-image.ts';
import { createErasure, type Erasure } from './erasure.ts';
import { createLogIn, type LogIn } from './log-in.ts';
import { createLoginLog, type LoginLog } from './login-log.ts';
import { createPasswordResets, type PasswordResets } from './password-resets.ts';
import { createSessionStore, type SessionStore } from './session-store.ts';
import { createSessions, type Sessions } from './sessions.ts';

export interface Identity {
  readonly tokens: AccessTokens;
  readonly store: SessionStore;
  readonly sessions: Sessions;
  readonly logIn: LogIn;
  readonly loginLog: LoginLog;
  readonly resets: PasswordResets;
  readonly erasure: Erasure;
  /** The permissions of a session's user; null where the session has ended or its user may not go on. */
  standingOf(sessionId: string): Promise<ReadonlySet<Permission> | null>;
  /** Ends the sessions that a change of the password left behind, and forgets the passwords before it. */
  afterPasswordChange(userId: string): Promise<void>;
  /** The picture of this id, while it is the one that its user has; null otherwise. */
  findAvatar(id: string): Promise<AvatarImage | null>;
  /** Forgets the pictures of a user that another has replaced. */
  afterAvatarChange(userId: string): Promise<void>;
  /** Forgets the pictures that are nobody's, and not under way. */
  sweepAvatars(): Promise<void>;
}

export async function createIdentity(
  { jwtPrivateKey: privateKey, publicUrl: issuer }: Config,
  platform: Platform,
  write: WriteSide,
  releasers: Releasers,
  faults: Faults | undefined,
): Promise<Identity> {
  const { pool, log, logger, security } = platform;
  const { streams, reservations, services, guard, runner, permissionsOf } = write;
  const { credentials, passwords, exports, avatars, userOf } = services;
  const tokens = await createAccessTokens({ privateKey, issuer });
  const store = createSessionStore(pool);
  const sessions = createSessions({ store, log, tokens, userOf, faults, security });
  const loginLog = createLoginLog(pool);
  const resets = createPasswordResets({ pool, streams, reservations, runner, logger });
  releasers.add(() => resets.drain());
  return {
    tokens,
    store,
    sessions,
    loginLog,
    resets,
    erasure: createErasure({
      ...{ keys: platform.keys, credentials, sessions, loginLog, exports, avatars, userOf },
    }),
    async standingOf(sessionId) {
      const userId = await sessions.ownerOf(sessionId);
      return userId === null ? null : permissionsOf(userId);
    },
    async afterPasswordChange(userId) {
      const user = await userOf(userId);
      if (user.status !== 'registered') return;
      await sessions.endOutdated(userId);
      await credentials.retain(userId, user.passwordId);
    },
    async findAvatar(id) {
      const found = await avatars.find(id);
      if (!found) return null;
      const user = await userOf(found.userId);
      return user.status === 'registered' && user.avatarId === id ? found.image : null;
    },
    async afterAvatarChange(userId) {
      const user = await userOf(userId);
      if (user.status === 'registered') await avatars.retain(userId, user.avatarId);
    },
    sweepAvatars: () =>
      avatars.sweep(async (userId) => {
        const user = await userOf(userId);
        return user.status === 'registered' ? user.avatarId : null;
      }),
    logIn: createLogIn({
      ...{ streams, reservations, credentials, passwords, guard, loginLog, sessions, security },
    }),
  };
}
