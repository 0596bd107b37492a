import { createSecretKey, randomBytes } from 'node:crypto';
import type { KeyStore, SubjectKey } from './port.ts';

/** A key store in memory, for unit tests. */
export function createMemoryKeyStore(): KeyStore {
  const keys = new Map<string, SubjectKey>();
  const known = (subjects: readonly string[]) =>
    new Map(
      subjects.flatMap((subject) => {
        const key = keys.get(subject);
        return key ? [[subject, key] as const] : [];
      }),
    );
  return {
    read: (subjects) => Promise.resolve(known(subjects)),
    ensure(subjects) {
      for (const subject of subjects) {
        if (!keys.has(subject)) keys.set(subject, { state: 'usable', key: createSecretKey(randomBytes(32)) });
      }
      return Promise.resolve(known(subjects));
    },
    destroy(subject) {
      keys.set(subject, { state: 'destroyed' });
      return Promise.resolve();
    },
  };
}
