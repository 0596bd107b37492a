import { describe, expect, test } from 'vitest';
import { excerptOf, headOf, htmlToText, readingMinutes } from './html-text.ts';

describe('htmlToText', () => {
  test.each([
    ['<p>one</p><p>two</p>', 'one two'],
    ['<ul><li>one</li><li>two</li></ul>', 'one two'],
    ['w<b>or</b>d and <a href="https://example.org">link</a>ed', 'word and linked'],
    ['a<br />b', 'a b'],
    ['<pre>x &lt; y &amp;&amp; z</pre>', 'x < y && z'],
    ['<img src="i.png" alt="no text" />', ''],
    ['', ''],
  ])('%s', (html, text) => expect(htmlToText(html)).toBe(text));

  test.each(['<', '<p', '</', '<!--', '&', '&#x110000;', '\ud800', '\u0000', '<p title="', '</p></p>'])(
    'takes %j',
    (html) => expect(typeof htmlToText(html)).toBe('string'),
  );
});

describe('excerptOf', () => {
  test('cuts between words and never within a character', () => {
    expect(excerptOf('short')).toBe('short');
    expect(excerptOf('word '.repeat(100))).toMatch(/^(word )+word…$/);
    expect(excerptOf('😀'.repeat(200))).toMatch(/^(😀)+…$/u);
    for (let offset = 0; offset < 4; offset++) {
      const excerpt = excerptOf('x'.repeat(276 + offset) + '😀'.repeat(9));
      expect(excerpt.length).toBeLessThanOrEqual(280);
      expect(excerpt.isWellFormed()).toBe(true);
    }
  });
});

test('readingMinutes rounds up', () => {
  expect([0, 1, 200, 201].map((words) => readingMinutes(Array(words).fill('w').join(' ')))).toEqual([
    0, 1, 1, 2,
  ]);
});

test('headOf stays within its bytes and never cuts a character', () => {
  expect(headOf('äöü', 6)).toBe('äöü');
  expect(headOf('äöü', 5)).toBe('äö');
  expect(headOf('😀😀', 7)).toBe('😀');
});
