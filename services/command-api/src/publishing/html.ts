/** Article content: the HTML that authors may use [P1]. */
import { Problem } from '@annals/contracts/problems';
import sanitizeHtml from 'sanitize-html';

const MAX_BYTES = 512 * 1024;

const OPTIONS: sanitizeHtml.IOptions = {
  allowedTags: [
    'p',
    'br',
    'strong',
    'em',
    'u',
    'a',
    'ul',
    'ol',
    'li',
    'b',
    'i',
    'h2',
    'h3',
    'blockquote',
    'code',
    'pre',
    'img',
  ],
  allowedAttributes: { a: ['href', 'title'], img: ['src', 'alt'] },
  allowedSchemes: ['http', 'https', 'mailto'],
  allowedSchemesByTag: { img: ['http', 'https'] },
  allowProtocolRelative: false,
};

/** `html` with nothing but allowed tags, attributes and URL schemes left. Throws where that grew beyond 512 KiB. */
export function sanitise(html: string): string {
  const clean = sanitizeHtml(html, OPTIONS);
  if (Buffer.byteLength(clean) <= MAX_BYTES) return clean;
  throw new Problem('validation-failed', 'The content is too large.', {
    mistakes: [
      {
        pointer: '/content',
        code: 'too-large',
        message: 'must not exceed 512 KiB once special characters are escaped',
      },
    ],
  });
}
