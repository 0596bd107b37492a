import { describe, expect, test } from 'vitest';
import { sanitise } from './html.ts';
import { SLUG_CANDIDATES, slugOf } from './slug.ts';

describe('content', () => {
  test.each([
    ['<p onclick="x()">Hi<script>alert(1)</script></p>', '<p>Hi</p>'],
    ['<a href="javascript:alert(1)" title="t">a</a>', '<a title="t">a</a>'],
    ['<a href="JaVaScRiPt&#58;alert(1)">a</a>', '<a>a</a>'],
    ['<a href="//evil.example">a</a>', '<a>a</a>'],
    ['<img src="data:image/svg+xml;base64,x" alt="a" onerror="x">', '<img alt="a" />'],
    ['<iframe src="https://x.org"></iframe><svg onload="x"></svg>text', 'text'],
    ['<h1>One</h1><h2>Two</h2>', 'One<h2>Two</h2>'],
    ['<p style="x" class="y" id="z">a < b & c</p>', '<p>a &lt; b &amp; c</p>'],
  ])('P1 %s is stored as %s', (html, clean) => {
    expect(sanitise(html)).toBe(clean);
  });

  test.each([
    ['event handlers', '<p onmouseover="x()" OnClick=x()>a</p>'],
    ['scripts', '<scr<script>x</script>ipt>x</script><p>a</p>'],
    ['styles', '<style>p { background: url(//evil) }</style><p style="background:url(javascript:x)">a</p>'],
    [
      'frames and plug-ins',
      '<iframe srcdoc="<script>x</script>"></iframe><object data="x"></object><embed src="x">',
    ],
    [
      'SVG and MathML',
      '<svg><script>x</script><a xlink:href="javascript:x">a</a></svg><math href="javascript:x">a',
    ],
    [
      'forms',
      '<form action="https://evil"><input autofocus onfocus=x><button formaction="javascript:x">a</button></form>',
    ],
    [
      'links with schemes in disguise',
      '<a href="java\tscript:x">a</a><a href=" &#1;javascript:x">a</a><a href="vbscript:x">a</a>',
    ],
    [
      'data and file URLs',
      '<a href="data:text/html,x">a</a><img src="file:///etc/passwd"><img src="data:image/png;base64,x">',
    ],
    [
      'pages that move or change',
      '<meta http-equiv="refresh" content="0;url=x"><base href="//evil"><link rel="import" href="x">',
    ],
    [
      'comments and conditions',
      '<!--[if IE]><script>x</script><![endif]--><!-- --!><img src=x onerror=x> -->',
    ],
    [
      'attributes that break out',
      '<img alt=""><script>x</script>" src="https://x.org/i"><a title=\'"onclick="x\'>a</a>',
    ],
    [
      'templates and what is parsed later',
      '<template><script>x</script></template><noscript><p title="</noscript><img src=x onerror=x>">',
    ],
    [
      'ids and names that shadow the page’s',
      '<a id="location" name="body" class="c">a</a><img name="cookie">',
    ],
    ['other windows', '<a href="https://x.org" target="_blank" rel="opener" ping="https://evil">a</a>'],
  ])('P1 nothing is left of %s', (_, html) => {
    const clean = sanitise(html);
    const tags = [...clean.matchAll(/<(\/?)([a-z][a-z0-9]*)([^>]*)>/gi)];
    for (const [, , name = '', attributes = ''] of tags) {
      expect(['p', 'a', 'img', 'br']).toContain(name);
      expect(attributes).toMatch(/^( (href|title|src|alt)="[^"]*")*( \/)?$/);
      expect(attributes).not.toMatch(/(href|src)="(?!https?:|mailto:)[^"]*:/);
    }
    // Whatever else looks like markup is text.
    expect(clean.replace(/<(\/?)([a-z][a-z0-9]*)([^>]*)>/gi, '')).not.toMatch(/[<>]/);
    expect(sanitise(clean)).toBe(clean);
  });

  test('P1 all that is allowed stays', () => {
    const html =
      '<h2>a</h2><h3>b</h3><p>c<br /><strong>d</strong><em>e</em><u>f</u><b>g</b><i>h</i></p><ul><li>i</li></ul><ol><li>j</li></ol>' +
      '<blockquote>k</blockquote><pre><code>l</code></pre><a href="https://x.org/" title="m">n</a><a href="mailto:a@x.org">o</a>' +
      '<img src="https://x.org/p.png" alt="q" />';
    expect(sanitise(html)).toBe(html);
  });

  test('P1 what grows too large by escaping is refused', () => {
    expect(() => sanitise('&'.repeat(300_000))).toThrow('too large');
  });

  test('sanitising twice is sanitising once', () => {
    const clean = sanitise('<p>a &amp;lt;script&amp;gt; <b>b</p>');
    expect(sanitise(clean)).toBe(clean);
  });
});

describe('slugs', () => {
  const id = '0199b9c0-0000-7000-8000-0123456789ab';

  test.each([
    ['On Trees & Bushes!', 'on-trees-bushes'],
    ['Ada’s Über-Maschine', 'adas-uber-maschine'],
    ['Привет, мир', 'privet-mir'],
    ['日本語の記事', expect.stringMatching(/^[a-z0-9-]+$/)],
    ['?!…—', expect.stringMatching(/^[a-z0-9-]+$/)],
    ['!!!!!', 'article'],
    ['0199b9c0-0000-7000-8000-0123456789ab', 'article-0199b9c0-0000-7000-8000-0123456789ab'],
    ['x'.repeat(200), 'x'.repeat(80)],
  ])('P2 %s becomes a readable one', (title, slug) => {
    expect(slugOf(title, id, 0)).toEqual(slug);
  });

  test('P2 further candidates differ, and the last is the article’s own', () => {
    const slugs = Array.from({ length: SLUG_CANDIDATES }, (_, candidate) =>
      slugOf('On trees', id, candidate),
    );
    expect(slugs).toEqual(['on-trees', 'on-trees-2', 'on-trees-3', 'on-trees-0123456789ab']);
  });
});
