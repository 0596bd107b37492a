/** The job of one mail: one per cause and recipient. */
import { timestamp, uuid } from '@annals/contracts/kit/primitives';
import { v5 } from 'uuid';
import { z } from 'zod';
import type { JobRequest } from '../jobs/task.ts';

export const MAIL_TASK = 'mail';

export const mailPayload = z.strictObject({
  /** The id of the event that caused it. */
  cause: uuid,
  /** The user's id. */
  recipient: uuid,
  template: z.string(),
  /** The request that the mail is about, or for which it carries a token, … */
  request: uuid.optional(),
  /** … and until when; afterwards it is not sent any more. */
  expiresAt: timestamp.optional(),
});
export type MailPayload = z.infer<typeof mailPayload>;

/** The job that sends a mail, whoever asks for it and how often. */
export function mailJob(payload: MailPayload): JobRequest {
  return { task: MAIL_TASK, key: `mail:${payload.cause}:${payload.recipient}`, payload };
}

const NAMESPACE = '8f0e5cb1-6d0a-4f0e-9d5c-3b1a5a0c7e42';

/** The mail's id: the same for every attempt at it. */
export function mailId({ cause, recipient }: MailPayload): string {
  return v5(`${cause}:${recipient}`, NAMESPACE);
}
