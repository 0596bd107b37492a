/**
 * The page that links in mails lead to. Its token stands behind the `#`, which no server and no log sees, and is taken out
 * of the address at once.
 */
export const accountPage = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="referrer" content="no-referrer" />
    <title>Your account – Annals</title>
    <link rel="stylesheet" href="assets/page.css" />
  </head>
  <body>
    <h1>Your account</h1>
    <form id="form" hidden>
      <p id="question"></p>
      <p id="field" hidden>
        <label>New password <input id="password" type="password" autocomplete="new-password" /></label>
      </p>
      <button id="button"></button>
    </form>
    <p id="outcome" role="status">Open this page by the link of a mail.</p>
    <script src="assets/account.js"></script>
  </body>
</html>
`;

export const accountScript = `'use strict';
const [purpose, token] = location.hash.slice(1).split('=');
history.replaceState(null, '', location.pathname);
const kinds = {
  email: {
    question: 'Make this the address of your account?',
    button: 'Confirm',
    done: 'Thank you: your address is confirmed.',
    path: '../v1/email-changes/',
    body: () => undefined,
  },
  'password-reset': {
    question: 'Choose a new password. All sessions will end.',
    button: 'Set the password',
    done: 'Your password is set. You can log in with it now.',
    path: '../v1/password-resets/',
    body: () => ({ newPassword: find('password').value }),
  },
};
const find = (id) => document.getElementById(id);
const say = (text) => {
  find('outcome').textContent = text;
};
const kind = Object.hasOwn(kinds, purpose) && token ? kinds[purpose] : null;
if (kind) {
  find('question').textContent = kind.question;
  find('button').textContent = kind.button;
  find('field').hidden = purpose !== 'password-reset';
  find('form').hidden = false;
  say('');
  find('form').addEventListener('submit', async (event) => {
    event.preventDefault();
    const body = kind.body();
    try {
      const response = await fetch(kind.path + encodeURIComponent(token), {
        method: 'PUT',
        ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
      });
      if (response.ok) {
        find('form').hidden = true;
        say(kind.done);
        return;
      }
      const problem = await response.json();
      const messages = (problem.errors || []).map(({ message }) => 'The password ' + message + '.');
      say(messages.length > 0 ? messages.join(' ') : problem.detail);
    } catch {
      say('That did not work; try again.');
    }
  });
}
`;
