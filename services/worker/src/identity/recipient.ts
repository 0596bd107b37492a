/** The person that a mail is for, folded from the log at the moment of sending: nobody's address is stored for later. */
import type { UserDomainEvent } from '@annals/contracts/identity/user.events';
import { ERASED } from '@annals/contracts/kit/personal';
import type { EventLog } from '@annals/platform/event-log/log';

export interface Person {
  readonly email: string;
  readonly username: string;
  readonly firstName: string;
  readonly isImported: boolean;
  readonly isDisabled: boolean;
}

/** Reads a person's stream to its end; null where there is no such person. */
export async function readPerson(log: EventLog, userId: string): Promise<Person | null> {
  const events = (await log.read(`user-${userId}`)) as readonly UserDomainEvent[];
  return events.reduce<Person | null>(evolve, null);
}

/** Whether the person's data has been erased. */
export function isErased(person: Person): boolean {
  return person.email === ERASED;
}

function evolve(person: Person | null, event: UserDomainEvent): Person | null {
  if (event.type === 'UserRegistered') {
    const { email, username, firstName, imported } = event.data;
    return { email, username, firstName, isImported: imported, isDisabled: false };
  }
  if (!person) return null;
  switch (event.type) {
    case 'ProfileUpdated':
      return { ...person, firstName: event.data.firstName ?? person.firstName };
    case 'UserDisabled':
      return { ...person, isDisabled: true };
    case 'UserEnabled':
      return { ...person, isDisabled: false };
    default:
      return person;
  }
}
