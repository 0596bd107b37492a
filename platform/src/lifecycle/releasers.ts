/** What a component has opened and must close again: last opened, first closed. */

export interface Releasers {
  /** Registers how to close what was just opened. What is added while releasing is closed as well. */
  add(release: () => Promise<unknown> | unknown): void;
  /**
   * Closes everything, last added first, one after the other, going on past errors, and then throws the first error.
   * Happens once: further calls give the same outcome.
   */
  release(): Promise<void>;
}

/** Creates an empty list of releasers. `add` after the release has ended throws: nobody would close it any more. */
export function createReleasers(): Releasers {
  const pending: (() => Promise<unknown> | unknown)[] = [];
  let released: Promise<void> | undefined;
  let isOver = false;

  async function releaseAll(): Promise<void> {
    const errors: unknown[] = [];
    for (let release = pending.pop(); release; release = pending.pop()) {
      try {
        await release();
      } catch (error) {
        errors.push(error);
      }
    }
    isOver = true;
    if (errors.length > 0) throw errors[0];
  }

  return {
    add(release) {
      if (isOver) throw new Error('everything was released already');
      pending.push(release);
    },
    release() {
      released ??= releaseAll();
      return released;
    },
  };
}
