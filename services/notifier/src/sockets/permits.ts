/** How many messages a socket may send: a bucket that refills evenly. */
export class Permits {
  #left: number;
  #at: number;

  constructor(perMinute: number, now: number) {
    this.#left = perMinute;
    this.#at = now;
  }

  /** Takes one of `perMinute`; false where none is left at `now` (ms since the epoch). */
  take(perMinute: number, now: number): boolean {
    this.#left = Math.min(perMinute, this.#left + ((now - this.#at) * perMinute) / 60_000);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
