/** All templates, found in the `*.mail.ts` files. */
import { discover, ofKind } from '@annals/contracts/kit/discover';
import type { MailTemplate } from './template.ts';

/** Every template of the `*.mail.ts` files, by name. */
export const mailTemplates: ReadonlyMap<string, MailTemplate> = new Map(
  (
    await discover(
      new URL('../', import.meta.url),
      '.mail.ts',
      ofKind<'mail-template', MailTemplate>('mail-template'),
    )
  ).map((template) => [template.name, template]),
);
