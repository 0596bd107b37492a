/** Registers the authors of imported documents. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type ApiClient, codeOf } from './api-client.ts';
import { authorKey, splitName, usernamesFor } from './author.ts';
import { Refusal } from './document.ts';
import { refusalOf } from './refusal.ts';

export interface Authors {
  /** The user id of the author of this name, registered at first use. Throws {@link Refusal}. */
  idOf(name: string): Promise<string>;
  /** How many were registered by this run. */
  created(): number;
}

const registered = z.object({ id: z.string() });

/**
 * Authors get no password and an address that no mail reaches. The idempotency key is made of the name, so the same name
 * is the same user in every run, whoever took its username in between.
 */
export function createAuthors(api: ApiClient): Authors {
  const known = new Map<string, Promise<string>>();
  let created = 0;

  async function register(name: string): Promise<string> {
    const [usernames, digest] = [
      usernamesFor(name),
      createHash('sha256').update(authorKey(name)).digest('hex'),
    ];
    for (const username of usernames) {
      const { status, body, isReplayed } = await api.call({
        method: 'POST',
        path: '/v1/users',
        body: { username, email: `${username}@import.invalid`, ...splitName(name) },
        key: `import-author-${digest}-${username}`,
      });
      if (status === 201) {
        if (!isReplayed) created++;
        return registered.parse(body).id;
      }
      if (codeOf(body) !== 'username-taken' && codeOf(body) !== 'email-taken') throw refusalOf(status, body);
    }
    throw new Refusal('username-taken', `The usernames for ${name} are taken: ${usernames.join(', ')}.`);
  }

  return {
    idOf(name) {
      const key = authorKey(name);
      const id = known.get(key) ?? register(name);
      known.set(key, id);
      return id;
    },
    created: () => created,
  };
}
