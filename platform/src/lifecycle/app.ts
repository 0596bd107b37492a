/** A service as one thing to start and stop, around the function that composes it. */
import { createReleasers, type Releasers } from './releasers.ts';

export interface App<Addresses> {
  /** Opens everything. Where that fails, what was opened is closed before this rejects. */
  start(): Promise<void>;
  /** Closes everything, last opened first; further calls give the same outcome. */
  stop(): Promise<void>;
  /** Base URLs of its servers. Throws before the start has succeeded. */
  readonly addresses: Addresses;
}

/** Makes an app of `run`, which opens things, adds to `releasers` how to close each, and gives the base URLs. */
export function toApp<Addresses>(run: (releasers: Releasers) => Promise<Addresses>): App<Addresses> {
  const releasers = createReleasers();
  let addresses: Addresses | undefined;
  return {
    get addresses() {
      if (addresses === undefined) throw new Error('the app has not started');
      return addresses;
    },
    async start() {
      try {
        addresses = await run(releasers);
      } catch (error) {
        await releasers.release();
        throw error;
      }
    },
    stop: () => releasers.release(),
  };
}
