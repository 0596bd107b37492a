/** Slugs: titles and names as they stand in URLs [P2, P11]. */
import anyAscii from 'any-ascii';

const MAX_LENGTH = 80;
const UUID_LIKE = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/;

/** How many slugs are tried for one title. */
export const SLUG_CANDIDATES = 4;

/**
 * The slug of a title, in lower-case ASCII letters, digits and hyphens. `candidate` counts from 0: where a slug is
 * taken the next one differs, and the last cannot be anyone else's, since it carries part of the article's id.
 */
export function slugOf(title: string, articleId: string, candidate: number): string {
  const slug = slugify(title, 'article');
  if (candidate === 0) return slug;
  return `${slug}-${candidate < SLUG_CANDIDATES - 1 ? candidate + 1 : articleId.slice(-12)}`;
}

/** The slug of a category's name. */
export function categorySlugOf(name: string): string {
  return slugify(name, 'category');
}

/** Never empty, and never like a UUID: a path's `{idOrSlug}` must say which it is. */
function slugify(title: string, fallback: string): string {
  const words = anyAscii(title)
    .toLowerCase()
    .replace(/['’]/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_LENGTH)
    .replace(/^-+|-+$/g, '');
  if (words === '') return fallback;
  return UUID_LIKE.test(words) ? `${fallback}-${words}` : words;
}
