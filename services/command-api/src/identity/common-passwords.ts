import common from '@zxcvbn-ts/language-common';

/** Passwords that everyone tries first, in lower case. */
export const commonPasswords: ReadonlySet<string> = new Set(common.dictionary['passwords-common']);
