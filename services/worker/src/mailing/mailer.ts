/** The port that mails leave by. */

/** A mail, ready to be sent. */
export interface Mail {
  /** A UUID; with the sender's host it is the Message-ID, so that a repeated mail is known for what it is. */
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export interface Mailer {
  /** Hands a mail over; once this resolves somebody else has taken responsibility for it. Throws {@link MailRefused}. */
  send(mail: Mail): Promise<void>;
  close(): Promise<void>;
}

/** The mail was not accepted, or it is not known whether it was. The message names a code, never an address. */
export class MailRefused extends Error {
  override readonly name = 'MailRefused';

  constructor(error: unknown) {
    super(`the mail was not accepted: ${codeOf(error)}`);
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const parts = [
    'responseCode' in error ? error.responseCode : undefined,
    'code' in error ? error.code : error.name,
  ];
  return parts.filter((part) => typeof part === 'string' || typeof part === 'number').join(' ');
}
