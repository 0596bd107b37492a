import { defineMail } from '../mailing/template.ts';

/** The first mail that a new member gets. */
export const welcome = defineMail('welcome', ({ firstName, username, publicUrl }) => ({
  subject: 'Welcome to Annals',
  paragraphs: [
    `Hello ${firstName || username},`,
    `your account “${username}” is ready. You can write articles, comment on those of others, and follow what is new.`,
    'If it was not you who registered with this address, you can ignore this mail.',
  ],
  action: { label: 'Visit Annals', url: publicUrl },
}));
