/** What commands may use besides the log: resources that their `prepare` and `stage` get. */

import type { TokenClaims } from '@annals/platform/privacy/signed-token';
import type { Avatars } from './identity/avatars.ts';
import type { Credentials } from './identity/credentials.ts';
import type { PasswordPolicy } from './identity/domain/password-policy.ts';
import type { Registration, UserState } from './identity/domain/user.ts';
import type { Exports } from './identity/exports.ts';
import type { PasswordHasher } from './identity/password-hasher.ts';
import type { ProvePassword } from './identity/password-proof.ts';
import type { TitleRules } from './publishing/domain/title.ts';

export interface Services {
  readonly passwords: PasswordHasher;
  readonly passwordPolicy: PasswordPolicy;
  readonly credentials: Credentials;
  readonly exports: Exports;
  readonly avatars: Avatars;
  readonly provePassword: ProvePassword;
  /** Forgets failed log-ins of a user from a network: a mailed token has proven that it is the owner who calls. */
  forgive(user: Pick<Registration, 'username' | 'email'>, address: string): Promise<void>;
  /** A user, read to the stream's end. */
  userOf(userId: string): Promise<UserState>;
  /** What a mailed token says; null for one that is not genuine, of another purpose, or over. */
  openToken(purpose: string, token: string): TokenClaims | null;
  readonly titleRules: TitleRules;
}
