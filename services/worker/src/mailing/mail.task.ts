/** Sends one mail, unless it was sent before or must not be. */
import type { Pool } from 'pg';
import { isErased, type Person, readPerson } from '../identity/recipient.ts';
import { defineTask } from '../jobs/task.ts';
import { MAIL_TASK, type MailPayload, mailId, mailPayload } from './mail-job.ts';
import { renderMail } from './template.ts';
import { mailTemplates } from './templates.ts';

/** Why a mail was not sent, for good. */
export type Outcome = 'sent' | 'unknown-person' | 'erased' | 'disabled' | 'imported';

/**
 * The outcome is recorded right after the mail was accepted: only a crash in that very instant can repeat it, and then
 * under the same Message-ID.
 */
export const mail = defineTask({
  name: MAIL_TASK,
  payload: mailPayload,
  async run(payload, { log, pool, mailer, publicUrl }) {
    if (await isDone(pool, payload)) return;
    const template = mailTemplates.get(payload.template);
    if (!template) throw new Error(`there is no mail template ${payload.template}`);
    const person = await readPerson(log, payload.recipient);
    const obstacle = obstacleOf(person);
    if (obstacle || !person) return record(pool, payload, obstacle ?? 'unknown-person');
    const { username, firstName } = person;
    const content = renderMail(template.content({ username, firstName, publicUrl }));
    await mailer.send({ id: mailId(payload), to: person.email, ...content });
    await record(pool, payload, 'sent');
  },
});

/** Imported people and `.invalid` addresses (RFC 6761) never get mail, whatever asked for it. */
function obstacleOf(person: Person | null): Outcome | null {
  if (!person) return 'unknown-person';
  if (isErased(person)) return 'erased';
  if (person.isDisabled) return 'disabled';
  return person.isImported || /\.invalid\.?$/i.test(person.email) ? 'imported' : null;
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
