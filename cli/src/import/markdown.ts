/** Renders Markdown, and tells its first heading. The API sanitises what comes out. */

import type { Token } from 'markdown-it';
import markdownIt from 'markdown-it';

const renderer = markdownIt({ html: true, linkify: true });

export interface Rendered {
  readonly html: string;
  /** Plain text; null where there is none. */
  readonly heading: string | null;
}

/**
 * Renders `text`. With `liftHeading` a heading of the first level that starts the text is left out of the HTML: it is
 * to become the title. A text of nothing but that heading keeps it.
 */
export function renderMarkdown(text: string, liftHeading: boolean): Rendered {
  const env = {};
  const tokens = renderer.parse(text, env);
  const heading = firstHeading(tokens);
  const isLifted = liftHeading && heading?.isAtTop === true && tokens.length > HEADING_TOKENS;
  const html = renderer.renderer.render(
    isLifted ? tokens.slice(HEADING_TOKENS) : tokens,
    renderer.options,
    env,
  );
  return { html, heading: heading?.text ?? null };
}

/** Opening, inline content, closing. */
const HEADING_TOKENS = 3;
const HTML_HEADING = /<h([1-3])\b[^>]*>([\s\S]*?)<\/h\1>/i;

/** The first heading with words in it, be it Markdown or HTML. */
function firstHeading(tokens: readonly Token[]): { text: string; isAtTop: boolean } | null {
  for (const [index, token] of tokens.entries()) {
    const isHeading = token.type === 'heading_open';
    const html = token.type === 'html_block' ? HTML_HEADING.exec(token.content)?.[2] : undefined;
    const text = isHeading
      ? plainText(tokens[index + 1]?.children ?? [])
      : plainText(renderer.parseInline((html ?? '').replace(/<[^>]*>/g, ' '), {})[0]?.children ?? []);
    if (text !== '') return { text, isAtTop: index === 0 && isHeading && token.tag === 'h1' };
  }
  return null;
}

/** Without images: in headings they are badges. */
function plainText(tokens: readonly Token[]): string {
  const words = tokens.map((token) => {
    if (token.type === 'softbreak' || token.type === 'hardbreak') return ' ';
    return ['text', 'text_special', 'code_inline'].includes(token.type) ? token.content : '';
  });
  return words.join('').replace(/\s+/g, ' ').trim();
}

/** True where HTML shows neither words nor pictures. */
export function isBlank(html: string): boolean {
  if (/<(img|picture|video|svg|hr)\b/i.test(html)) return false;
  return (
    html
      .replace(/<!--[\s\S]*?-->/g, '')
      .replace(/<[^>]*>/g, '')
      .trim() === ''
  );
}
