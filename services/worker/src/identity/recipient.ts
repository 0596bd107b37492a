/** The person that a mail is for, folded from the log at the moment of sending: nobody's address is stored for later. */
import type { UserDomainEvent } from '@annals/contracts/identity/user.events';
import type { VerificationDomainEvent } from '@annals/contracts/identity/verification.events';
import { ERASED } from '@annals/contracts/kit/personal';
import type { EventLog } from '@annals/platform/event-log/log';

export interface Person {
  readonly email: string;
  readonly username: string;
  readonly firstName: string;
  readonly isImported: boolean;
  readonly isDisabled: boolean;
  readonly isErased: boolean;
  /** The addresses that others took the place of, by the request that proved the other. */
  readonly replaced: ReadonlyMap<string, string>;
}

/** Reads a person's stream to its end; null where there is no such person. */
export async function readPerson(log: EventLog, userId: string): Promise<Person | null> {
  const events = (await log.read(`user-${userId}`)) as readonly UserDomainEvent[];
  return events.reduce<Person | null>(evolve, null);
}

/** The address that a request of the user is to prove; null where there is none. */
export async function requestedAddress(
  log: EventLog,
  userId: string,
  requestId: string,
): Promise<string | null> {
  const events = (await log.read(`verification-${userId}`)) as readonly VerificationDomainEvent[];
  const addresses = events.flatMap(({ type, data }) =>
    type === 'EmailChangeRequested' && data.requestId === requestId ? [data.email] : [],
  );
  const [address = ERASED] = addresses;
  return address === ERASED ? null : address;
}

function evolve(person: Person | null, event: UserDomainEvent): Person | null {
  if (event.type === 'UserRegistered') {
    const { email, username, firstName, imported } = event.data;
    const state = { isImported: imported, isDisabled: false, isErased: email === ERASED };
    return { email, username, firstName, ...state, replaced: new Map() };
  }
  if (!person) return null;
  switch (event.type) {
    case 'ProfileUpdated':
      return { ...person, firstName: event.data.firstName ?? person.firstName };
    case 'EmailConfirmed': {
      const { email, requestId } = event.data;
      if (email === person.email) return person;
      return { ...person, email, replaced: new Map([...person.replaced, [requestId, person.email]]) };
    }
    case 'UserDisabled':
      return { ...person, isDisabled: true };
    case 'UserEnabled':
      return { ...person, isDisabled: false };
    case 'UserErased':
      return {
        ...person,
        email: ERASED,
        username: ERASED,
        firstName: '',
        isErased: true,
        replaced: new Map(),
      };
    default:
      return person;
  }
}
