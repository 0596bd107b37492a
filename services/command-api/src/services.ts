/** What commands may use besides the log: resources that their `prepare` and `stage` get. */
import type { Credentials } from './identity/credentials.ts';
import type { PasswordPolicy } from './identity/domain/password-policy.ts';
import type { PasswordHasher } from './identity/password-hasher.ts';
import type { TitleRules } from './publishing/domain/title.ts';

export interface Services {
  readonly passwords: PasswordHasher;
  readonly passwordPolicy: PasswordPolicy;
  readonly credentials: Credentials;
  readonly titleRules: TitleRules;
}
