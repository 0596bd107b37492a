/** Which connection strings the adapter takes. */
import { parseConnectionString } from '@eventstore/db-client/dist/Client/parseConnectionString.js';

/**
 * Why the adapter can't be used with a connection string; null where it can. Never repeats what is in it: there may be
 * a password.
 */
export function whyUnusable(url: string): string | null {
  let options: ReturnType<typeof parseConnectionString>;
  try {
    options = parseConnectionString(url);
  } catch {
    return 'must be an esdb:// or esdb+discover:// connection string';
  }
  if (options.tls === false && options.defaultCredentials) {
    return 'has credentials, which are never sent without TLS: leave them out or use TLS';
  }
  if (options.throwOnAppendFailure === false) return 'must not turn throwOnAppendFailure off';
  if ((options.nodePreference ?? 'leader') !== 'leader')
    return 'must prefer the leader: others read old states';
  return null;
}
