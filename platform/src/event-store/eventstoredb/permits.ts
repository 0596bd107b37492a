import { unavailable } from '../retry.ts';
import { NoAnswer } from './errors.ts';

/**
 * How many may do something at once: few after a failure, one more after each success. The others wait in their order.
 */
export class Permits {
  readonly #narrow: number;
  readonly #wide: number;
  readonly #waiting: (() => void)[] = [];
  #limit: number;
  #taken = 0;

  /** Begins narrow. */
  constructor(narrow: number, wide: number) {
    this.#narrow = narrow;
    this.#wide = wide;
    this.#limit = narrow;
  }

  /**
   * Resolves when it is the caller's turn; {@link giveBack} ends it. Throws `EventStoreUnavailable` where the turn comes
   * after `deadline`, and passes it on.
   */
  async take(deadline: number): Promise<void> {
    if (this.#taken < this.#limit) {
      this.#taken++;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (performance.now() <= deadline) return;
    this.giveBack();
    throw unavailable(new NoAnswer('those before it took too long'));
  }

  giveBack(): void {
    this.#taken--;
    this.#admit();
  }

  widen(): void {
    this.#limit = Math.min(this.#wide, this.#limit + 1);
    this.#admit();
  }

  narrow(): void {
    this.#limit = this.#narrow;
  }

  #admit(): void {
    while (this.#taken < this.#limit) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#taken++;
      next();
    }
  }
}
