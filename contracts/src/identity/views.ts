/** What queries about people answer with. */
import { z } from 'zod';
import { timestamp, uuid } from '../kit/primitives.ts';
import { permissions } from '../kit/route.ts';

/** A person as others see them. All but the id are null until projected; erased people are "deleted user". */
export const personSummary = z
  .object({
    id: uuid,
    username: z.string().nullable(),
    displayName: z.string().nullable(),
    avatarUrl: z.string().nullable(),
  })
  .meta({ id: 'Person' });
export type PersonSummary = z.infer<typeof personSummary>;

/** A public profile. */
export const profile = z
  .object({
    id: uuid,
    username: z.string().nullable().meta({ description: 'Null for a deleted user' }),
    firstName: z.string(),
    lastName: z.string(),
    displayName: z.string(),
    bio: z.string(),
    website: z.string().nullable(),
    avatarUrl: z.string().nullable(),
    joinedAt: timestamp,
    followerCount: z.int().nonnegative(),
    followingCount: z.int().nonnegative(),
    articleCount: z.int().nonnegative(),
    isFollowing: z.boolean().optional().meta({ description: 'Whether the caller does; for those signed in' }),
  })
  .meta({ id: 'Profile' });
/** What of a profile is the same for all who read it. */
export type Profile = Omit<z.infer<typeof profile>, 'isFollowing'>;
export const profileFields = Object.keys(profile.shape);

/** The caller's own account. */
export const account = profile
  .omit({ isFollowing: true })
  .extend({
    email: z.string(),
    emailConfirmed: z.boolean(),
    permissions: z.array(z.enum(permissions)),
    preferences: z.record(z.string(), z.boolean()),
    revision: z.int().nonnegative(),
  })
  .meta({ id: 'Account' });
export type Account = z.infer<typeof account>;

/** The caller's sessions: those that have not ended. */
export const ownSessions = z
  .object({
    results: z.array(
      z
        .object({
          id: uuid,
          device: z.string().nullable().meta({ description: 'The user agent that logged in' }),
          ip: z.string().meta({ description: 'Where the log-in came from' }),
          createdAt: timestamp,
          lastUsedAt: timestamp.meta({ description: 'The log-in or the newest refresh' }),
          expiresAt: timestamp,
          isCurrent: z.boolean(),
        })
        .meta({ id: 'Session' }),
    ),
    count: z.int().nonnegative(),
  })
  .meta({ id: 'OwnSessions' });

/** What a log-in or a refresh answers. */
export const sessionTokens = z
  .object({
    accessToken: z.string(),
    tokenType: z.literal('Bearer'),
    expiresIn: z.int().positive().meta({ description: 'Seconds' }),
    refreshToken: z.string(),
    refreshExpiresIn: z.int().positive().meta({ description: 'Seconds' }),
  })
  .meta({ id: 'SessionTokens' });
export type SessionTokens = z.infer<typeof sessionTokens>;

/** An attempt to log in. */
export const loginAttempt = z
  .object({
    id: z.string().meta({ description: 'Grows with time' }),
    userId: uuid.nullable().meta({ description: 'Null for a login that is nobody’s' }),
    at: timestamp,
    ip: z.string(),
    userAgent: z.string().nullable(),
    succeeded: z.boolean(),
    reason: z.enum(['unknown-login', 'wrong-password', 'disabled']).nullable(),
  })
  .meta({ id: 'LoginAttempt' });
export type LoginAttempt = z.infer<typeof loginAttempt>;

/** An export of all that is kept about its user. */
export const dataExport = z
  .object({
    id: uuid,
    status: z.enum(['pending', 'done']),
    requestedAt: timestamp,
    expiresAt: timestamp,
    data: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: 'By kind; null until it is done' }),
  })
  .meta({ id: 'DataExport' });
