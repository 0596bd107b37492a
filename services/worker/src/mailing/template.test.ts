import { expect, test } from 'vitest';
import { renderMail } from './template.ts';
import { mailTemplates } from './templates.ts';

const content = {
  subject: 'Hello\r\nBcc: everyone@example.org',
  paragraphs: ['<script>alert("1")</script> & co', "It's\nfine"],
  action: { label: 'Go <there>', url: 'http://annals.test/?a="b"&c' },
};

test('what people wrote is text, never markup', () => {
  const { html } = renderMail(content);
  expect(html).not.toContain('<script>');
  expect(html).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; co');
  expect(html).toContain('<a href="http://annals.test/?a=&quot;b&quot;&amp;c">Go &lt;there&gt;</a>');
});

test('line breaks of theirs make neither headers nor paragraphs', () => {
  const { subject, text } = renderMail(content);
  expect(subject).toBe('Hello Bcc: everyone@example.org');
  expect(text).toBe(
    '<script>alert("1")</script> & co\n\nIt\'s fine\n\nGo <there>: http://annals.test/?a="b"&c\n',
  );
});

test('the welcome names whoever gave a first name by it, others by their username', () => {
  const welcome = mailTemplates.get('welcome');
  const greeting = (firstName: string) =>
    welcome?.content({ username: 'ada', firstName, publicUrl: 'http://annals.test', link: null })
      .paragraphs[0];
  expect(greeting('Ada')).toBe('Hello Ada,');
  expect(greeting('')).toBe('Hello ada,');
});
