import { Problem } from '@annals/contracts/problems';
import type { Caller } from '@annals/platform/http/types';

/** The id of the user who calls. Throws `forbidden` for anyone else: our services have no resources of their own. */
export function signedIn(caller: Caller): string {
  if (caller.kind === 'user') return caller.userId;
  throw new Problem('forbidden', 'Only users have this.');
}
