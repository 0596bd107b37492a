/** Channels of the push protocol, by name. */

/** Channels that everyone may follow, signed in or not, for ever: nobody is asked about them. */
export const publicChannels: ReadonlySet<string> = new Set(['articles']);
