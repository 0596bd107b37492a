/** What the API said no to, in words for a report. */
import { z } from 'zod';
import { Refusal } from './document.ts';

const problem = z.looseObject({
  code: z.string(),
  detail: z.string().default(''),
  errors: z.array(z.looseObject({ pointer: z.string().default(''), message: z.string() })).default([]),
});

/** A problem document as a {@link Refusal} with all its mistakes. */
export function refusalOf(status: number, body: unknown): Refusal {
  const parsed = problem.safeParse(body);
  if (!parsed.success) return new Refusal('unexpected-answer', `The API answered ${status}.`);
  const { code, detail, errors } = parsed.data;
  const mistakes = errors.map(({ pointer, message }) => `${pointer.slice(1)} ${message}`);
  return new Refusal(code, [detail, mistakes.join('; ')].filter(Boolean).join(' '));
}
