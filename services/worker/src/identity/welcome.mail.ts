import { defineMail } from '../mailing/template.ts';

/** The first mail that a new member gets: it also proves the address. */
export const welcome = defineMail(
  'welcome',
  ({ firstName, username, publicUrl, link }) => ({
    subject: 'Welcome to Annals',
    paragraphs: [
      `Hello ${firstName || username},`,
      `your account “${username}” is ready. You can write articles, comment on those of others, and follow what is new.`,
      ...(link === null ? [] : ['Please confirm your address by the link below; it works for a week.']),
      'If it was not you who registered with this address, you can ignore this mail.',
    ],
    action:
      link === null
        ? { label: 'Visit Annals', url: publicUrl }
        : { label: 'Confirm your address', url: link },
  }),
  { purpose: 'email' },
);
