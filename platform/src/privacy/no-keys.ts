import type { KeyStore } from './port.ts';

/**
 * For readers of the log whom no personal data concerns: every personal value reads as erased, whether it is or not.
 * What they can't read they can't pass on.
 */
export function createNoKeys(): KeyStore {
  const refuse = () => Promise.reject(new Error('this reader of the log has no keys'));
  return {
    read: async (subjects) => new Map(subjects.map((subject) => [subject, { state: 'destroyed' }])),
    ensure: refuse,
    destroy: refuse,
  };
}
