/** Which connection strings the adapter takes. Knows nothing of the client, which takes long to load. */

/** The client's options; others it would ignore, and print the whole string with its password. */
const OPTIONS = new Set([
  'connectionname',
  'defaultdeadline',
  'discoveryinterval',
  'gossiptimeout',
  'keepaliveinterval',
  'keepalivetimeout',
  'maxdiscoverattempts',
  'nodepreference',
  'throwonappendfailure',
  'tls',
  'tlscafile',
  'usercertfile',
  'userkeyfile',
]);

/**
 * Why the adapter can't be used with a connection string; null where it can. Never repeats what is in it: there may be
 * a password.
 */
export function whyUnusable(url: string): string | null {
  const parts = /^esdb(?:\+discover)?:\/\/([^@/?]*@)?[^@/?]+\/?(?:\?(.*))?$/.exec(url);
  if (parts === null) return 'must be an esdb:// or esdb+discover:// connection string';
  const [, credentials, query] = parts;
  const options = new Map(query?.split('&').map(toOption));
  if ([...options.keys()].some((name) => !OPTIONS.has(name)))
    return 'has an option that the client does not support';
  if (options.get('tls') === 'false' && credentials !== undefined) {
    return 'has credentials, which are never sent without TLS: leave them out or use TLS';
  }
  if (options.get('throwonappendfailure') === 'false') return 'must not turn throwOnAppendFailure off';
  if ((options.get('nodepreference') ?? 'leader') !== 'leader') {
    return 'must prefer the leader: other nodes may be behind it';
  }
  return null;
}

/** Names are taken in the client's spellings, `nodePreference` as well as `node-preference`. */
function toOption(pair: string): [string, string] {
  const [name = '', value = ''] = pair.split('=');
  return [name.trim().toLowerCase().replace(/[_-]/g, ''), value.trim().toLowerCase()];
}
