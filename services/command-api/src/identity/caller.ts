import { Problem } from '@annals/contracts/problems';
import type { Caller } from '@annals/platform/http/types';

/** A caller who is signed in. Throws `forbidden` for services: they have no account. */
export function signedIn(caller: Caller): Extract<Caller, { kind: 'user' }> {
  if (caller.kind === 'user') return caller;
  throw new Problem('forbidden', 'Only users have an account.');
}

/** The id of the user who calls; throws likewise. */
export function ownId(caller: Caller): string {
  return signedIn(caller).userId;
}
