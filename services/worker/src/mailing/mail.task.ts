/** Sends one mail, unless it was sent before or must not be. */
import type { EventLog } from '@annals/platform/event-log/log';
import type { Pool } from 'pg';
import { type Person, readPerson, requestedAddress } from '../identity/recipient.ts';
import { defineTask } from '../jobs/task.ts';
import { MAIL_TASK, type MailPayload, mailId, mailPayload } from './mail-job.ts';
import { type MailTemplate, renderMail } from './template.ts';
import { mailTemplates } from './templates.ts';

/** Why a mail was not sent, for good. */
export type Outcome =
  | 'sent'
  | 'unknown-person'
  | 'erased'
  | 'disabled'
  | 'imported'
  | 'outdated'
  | 'no-address';

/**
 * The outcome is recorded right after the mail was accepted: only a crash in that very instant can repeat it, and then
 * under the same Message-ID.
 */
export const mail = defineTask({
  name: MAIL_TASK,
  payload: mailPayload,
  async run(payload, { log, pool, mailer, publicUrl, tokenLink }) {
    if (await isDone(pool, payload)) return;
    const template = mailTemplates.get(payload.template);
    if (!template) throw new Error(`there is no mail template ${payload.template}`);
    const person = await readPerson(log, payload.recipient);
    const obstacle = obstacleOf(person, payload);
    if (obstacle || !person) return record(pool, payload, obstacle ?? 'unknown-person');
    const to = await addressOf(template, person, payload, log);
    if (to === null) return record(pool, payload, 'no-address');
    const { username, firstName } = person;
    const { recipient: subject, request, expiresAt } = payload;
    const link =
      template.purpose && request && expiresAt
        ? tokenLink(template.purpose, { subject, request, expiresAt })
        : null;
    const content = renderMail(template.content({ username, firstName, publicUrl, link }));
    await mailer.send({ id: mailId(payload), to, ...content });
    await record(pool, payload, 'sent');
  },
});

/** Imported people and `.invalid` addresses (RFC 6761) never get mail, whatever asked for it. */
function obstacleOf(person: Person | null, { expiresAt }: MailPayload): Outcome | null {
  if (!person) return 'unknown-person';
  if (person.isErased) return 'erased';
  if (person.isDisabled) return 'disabled';
  if (expiresAt !== undefined && Date.parse(expiresAt) <= Date.now()) return 'outdated';
  return person.isImported || isNowhere(person.email) ? 'imported' : null;
}

function isNowhere(address: string): boolean {
  return /\.invalid\.?$/i.test(address);
}

/** Where the mail goes; null where there is nothing to write to. */
async function addressOf(
  { to }: MailTemplate,
  person: Person,
  { recipient, request = '' }: MailPayload,
  log: EventLog,
): Promise<string | null> {
  if (to === 'own') return person.email;
  const address =
    to === 'replaced' ? person.replaced.get(request) : await requestedAddress(log, recipient, request);
  return address === undefined || address === null || isNowhere(address) ? null : address;
}

async function isDone(pool: Pool, payload: MailPayload): Promise<boolean> {
  const { rowCount } = await pool.query('select from worker.mails where id = $1', [mailId(payload)]);
  return rowCount === 1;
}

async function record(pool: Pool, payload: MailPayload, outcome: Outcome): Promise<void> {
  const { cause, recipient, template } = payload;
  await pool.query(
    `insert into worker.mails (id, cause, recipient, template, outcome) values ($1, $2, $3, $4, $5)
     on conflict (id) do nothing`,
    [mailId(payload), cause, recipient, template, outcome],
  );
}
