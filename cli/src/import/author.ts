/** Authors of imported documents as users. */
import { createHash } from 'node:crypto';
import { username } from '@annals/contracts/identity/fields';

/** `Ada Lovelace <ada@example.org> (https://…)` gives the name alone: addresses are never taken from files. */
export function nameOf(author: string): string | null {
  const name = author
    .replace(/<[^>]*>?|\([^)]*\)?/g, ' ')
    .replace(/\S+@\S+/g, ' ')
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, 100)
    .trim();
  return name === '' ? null : name;
}

/** What makes two names the same author: neither case nor spacing tells them apart. */
export function authorKey(name: string): string {
  return name.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}

/** Usernames to try in turn: the first may belong to someone else. The same name always gives the same list. */
export function usernamesFor(name: string): string[] {
  const digest = createHash('sha256').update(authorKey(name)).digest('hex');
  const slug = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9_.-]+/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
  const stem = slug === '' ? 'author' : slug.slice(0, 21).replace(/[^a-z0-9]+$/, '');
  return [slug, `${stem}-${digest.slice(0, 8)}`].filter((candidate) => username.safeParse(candidate).success);
}

/** First and last name as profiles have them. */
export function splitName(name: string): { firstName: string; lastName: string } {
  const at = name.lastIndexOf(' ');
  return at === -1
    ? { firstName: name, lastName: '' }
    : { firstName: name.slice(0, at), lastName: name.slice(at + 1) };
}
