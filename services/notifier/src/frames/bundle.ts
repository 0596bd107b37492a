/**
 * Which lines one receiver gets in one turn: receivers of the same channels share a bundle, and so one frame that is
 * built once. Bundles form a tree from an empty root, a step per channel.
 */
import type { PushLine } from './ring.ts';
import { textFrame } from './text-frame.ts';

/** The lines that a channel sends in this turn. */
export interface Outbox {
  readonly lines: readonly PushLine[];
}

export class Bundle {
  readonly #parent: Bundle | null;
  readonly #outbox: Outbox | null;
  readonly #children = new Map<Outbox, Bundle>();
  /** How many lines the frame carries. */
  readonly size: number;
  #frame: Buffer | undefined;

  private constructor(parent: Bundle | null, outbox: Outbox | null) {
    this.#parent = parent;
    this.#outbox = outbox;
    this.size = (parent?.size ?? 0) + (outbox?.lines.length ?? 0);
  }

  /** The root of one turn's bundles. */
  static empty(): Bundle {
    return new Bundle(null, null);
  }

  /** This bundle and the lines of one more channel; the same object for the same channel. */
  with(outbox: Outbox): Bundle {
    let child = this.#children.get(outbox);
    if (!child) {
      child = new Bundle(this, outbox);
      this.#children.set(outbox, child);
    }
    return child;
  }

  /** All lines in position order, one text frame. */
  get frame(): Buffer {
    this.#frame ??= textFrame(
      this.#lines()
        .map((line) => line.frame)
        .join('\n'),
    );
    return this.#frame;
  }

  #lines(): PushLine[] {
    const before = this.#parent?.size ? this.#parent.#lines() : [];
    const own = this.#outbox?.lines ?? [];
    if (before.length === 0) return [...own];
    return [...before, ...own].sort((a, b) =>
      a.position < b.position ? -1 : a.position > b.position ? 1 : 0,
    );
  }
}
