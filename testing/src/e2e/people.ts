/** People of the end-to-end tests: registered and logged in through the public API. */
import { createSession } from '@annals/contracts/identity/session.routes';
import { registerUser } from '@annals/contracts/identity/user.routes';
import { type Answer, Api, uniqueName } from './client.ts';

export const PASSWORD = 'Correct-horse-battery-7';

export interface Person {
  readonly id: string;
  readonly username: string;
  readonly email: string;
  readonly api: Api;
  readonly refreshToken: string;
  /** The answer of the registration. */
  readonly registered: Answer;
}

/** Registers a new person and logs them in. */
export async function newPerson(baseUrl: string, prefix = 'person'): Promise<Person> {
  const username = uniqueName(prefix);
  const email = `${username}@example.org`;
  const anonymous = new Api(baseUrl);
  const registered = await anonymous.ok(registerUser, {
    body: { username, email, password: PASSWORD, firstName: 'Ada', lastName: 'Lovelace' },
  });
  const session = await anonymous.ok(createSession, { body: { login: username, password: PASSWORD } });
  return {
    id: registered.body.id,
    username,
    email,
    api: anonymous.as(session.body.accessToken),
    refreshToken: session.body.refreshToken,
    registered,
  };
}
