/** argon2id, a few at a time: each takes 19 MiB and a core for tens of milliseconds. */
import { Problem } from '@annals/contracts/problems';
import { hash, verify } from '@node-rs/argon2';
import pLimit from 'p-limit';

export interface PasswordHasher {
  /** The hash in PHC form. Throws `unavailable` where too many wait already. */
  hash(password: string): Promise<string>;
  /** Whether the password has that hash; null takes as long and is never right. Throws `unavailable` likewise. */
  verify(password: string, passwordHash: string | null): Promise<boolean>;
}

/** OWASP's least: argon2id, 19 MiB, two passes. (Algorithm 2 is argon2id.) */
const PARAMETERS = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const AT_ONCE = 4;
const MAX_WAITING = 64;

/** Creates the hasher. Costs one hash, kept for those who have none. */
export async function createPasswordHasher(maxWaiting: number = MAX_WAITING): Promise<PasswordHasher> {
  const limit = pLimit(AT_ONCE);
  const nobodys = await hash(crypto.randomUUID(), PARAMETERS);
  let admitted = 0;

  async function inLine<Result>(work: () => Promise<Result>): Promise<Result> {
    if (admitted >= AT_ONCE + maxWaiting) {
      throw new Problem('unavailable', 'Too many log-ins and registrations at once; try again.', {
        retryAfter: 2,
      });
    }
    admitted += 1;
    try {
      return await limit(work);
    } finally {
      admitted -= 1;
    }
  }

  return {
    hash: (password) => inLine(() => hash(password, PARAMETERS)),
    async verify(password, passwordHash) {
      const isRight = await inLine(() => verify(passwordHash ?? nobodys, password));
      return isRight && passwordHash !== null;
    },
  };
}
