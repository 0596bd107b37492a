/** Which connection strings the adapter takes. Knows nothing of the client, which takes long to load. */

/**
 * Why the adapter can't be used with a connection string; null where it can. Never repeats what is in it: there may be
 * a password.
 */
export function whyUnusable(url: string): string | null {
  const [, credentials, query = ''] =
    /^esdb(?:\+discover)?:\/\/([^@/?]*@)?[^@?]+(?:\?(.*))?$/.exec(url) ?? [];
  if (!/^esdb(\+discover)?:\/\/[^/?]/.test(url))
    return 'must be an esdb:// or esdb+discover:// connection string';
  const options = new Map(query.split('&').map(toOption));
  if (options.get('tls') === 'false' && credentials !== undefined) {
    return 'has credentials, which are never sent without TLS: leave them out or use TLS';
  }
  if (options.get('throwonappendfailure') === 'false') return 'must not turn throwOnAppendFailure off';
  if ((options.get('nodepreference') ?? 'leader') !== 'leader') {
    return 'must prefer the leader: other nodes may be behind it';
  }
  return null;
}

/** Keys in the client's spellings, `nodePreference` as well as `node-preference`. */
function toOption(pair: string): [string, string] {
  const [key = '', value = ''] = pair.split('=');
  return [key.trim().toLowerCase().replace(/[_-]/g, ''), value.trim().toLowerCase()];
}
