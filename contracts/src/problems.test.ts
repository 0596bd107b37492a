import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Problem, problems } from './problems.ts';

const folder = new URL('../../docs/problems/', import.meta.url);
const codes = Object.entries(problems);

describe('problem codes', () => {
  it('have a page each, and every page a code', () => {
    expect(readdirSync(folder).sort()).toEqual(codes.map(([code]) => `${code}.md`).sort());
  });

  it.each(codes)(
    '%s: its page tells status, title, what to do, and a true example',
    (code, { status, title }) => {
      const page = readFileSync(new URL(`${code}.md`, folder), 'utf8');
      expect(page.startsWith(`# ${code}\n\n**${status}** · ${title}\n\n**When.** `)).toBe(true);
      expect(page).toContain('\n**What to do.** ');
      const example = JSON.parse(/```json\n([^`]+)```/.exec(page)?.[1] ?? 'null');
      expect(example).toMatchObject({
        type: expect.stringContaining(`/docs/problems/${code}`),
        title,
        status,
        code,
      });
    },
  );

  it('are stable kebab-case names of client and server errors', () => {
    for (const [code, { status, title }] of codes) {
      expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(title).toMatch(/^[A-Z].*[^.]$/);
    }
  });
});

describe('Problem', () => {
  it('carries its code, mistakes, further members and cause', () => {
    const cause = new Error('why');
    const mistakes = [{ pointer: '/title', code: 'required', message: 'is required' }];
    const problem = new Problem('validation-failed', 'The body has mistakes.', {
      mistakes,
      extra: { n: 1 },
      retryAfter: 2,
      cause,
    });
    expect(problem).toMatchObject({
      code: 'validation-failed',
      message: 'The body has mistakes.',
      mistakes,
      extra: { n: 1 },
      retryAfter: 2,
      cause,
    });
  });
});
