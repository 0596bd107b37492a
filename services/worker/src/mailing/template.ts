/** Mail templates: `*.mail.ts` files say what a mail says, this module how it looks as text and as HTML. */
/** What a template may speak of. */
export interface MailContext {
  readonly username: string;
  readonly firstName: string;
  /** Without a slash at its end. */
  readonly publicUrl: string;
  /** Carries the token; null where the mail has none. */
  readonly link: string | null;
}

/** Plain text; escaping is not the template's business. */
export interface MailContent {
  readonly subject: string;
  readonly paragraphs: readonly string[];
  /** The one thing to do. */
  readonly action?: { readonly label: string; readonly url: string };
}

export interface MailTemplate {
  readonly kind: 'mail-template';
  readonly name: string;
  /** What its token is good for. */
  readonly purpose?: TokenPurpose;
  /** The person's own address, the one that a request names, or the one that another took the place of. */
  readonly to: 'own' | 'requested' | 'replaced';
  readonly content: (context: MailContext) => MailContent;
}

/** What tokens in mails are good for; command-api knows them by the same names. */
export type TokenPurpose = 'email' | 'password-reset';

/** Defines a template; without more it goes to the person's own address and has no token. */
export function defineMail(
  name: string,
  content: MailTemplate['content'],
  { purpose, to = 'own' }: { purpose?: TokenPurpose; to?: MailTemplate['to'] } = {},
): MailTemplate {
  return { kind: 'mail-template', name, to, content, ...(purpose === undefined ? {} : { purpose }) };
}

/** A mail's content as subject, text and HTML. */
export function renderMail({ subject, paragraphs, action }: MailContent): {
  subject: string;
  text: string;
  html: string;
} {
  const lines = action ? [...paragraphs, `${action.label}: ${action.url}`] : paragraphs;
  const link = action ? [`<p><a href="${escapeHtml(action.url)}">${escapeHtml(action.label)}</a></p>`] : [];
  const body = [...paragraphs.map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`), ...link].join('\n');
  const head = `<meta charset="utf-8"><title>${escapeHtml(subject)}</title>`;
  return {
    subject: oneLine(subject),
    text: `${lines.map(oneLine).join('\n\n')}\n`,
    html: `<!doctype html>\n<html lang="en"><head>${head}</head>\n<body>\n${body}\n</body></html>\n`,
  };
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return oneLine(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** Names and titles come from people: a line break of theirs must not look like one of ours. */
function oneLine(text: string): string {
  return text.replace(/[\r\n\u2028\u2029]+/g, ' ');
}
