import type { DomainEvent } from '@annals/contracts/kit/event';
import type { Position } from '../event-store/port.ts';
import type { Projection } from './projection.ts';
import type { KeyRange } from './store.ts';

/** Documents that a fold keeps at most. Where the view lacks rows, a range holds more than its page of the view. */
const MAX_DOCS = 20_000;

/** The fold of a projection in memory, of the documents of one key range. */
export class RangeFold {
  readonly projection: Projection;
  readonly docs = new Map<string, object>();
  /** Keys whose fold has thrown: their documents are as before that. */
  readonly failed = new Set<string>();
  /** The log up to here is folded. */
  through: Position = '';
  readonly #after: Buffer | null;
  #upTo: Buffer | null;
  readonly #maxDocs: number;

  constructor(projection: Projection, { after, upTo }: KeyRange, maxDocs: number = MAX_DOCS) {
    this.projection = projection;
    this.#after = after === null ? null : Buffer.from(after);
    this.#upTo = upTo === null ? null : Buffer.from(upTo);
    this.#maxDocs = maxDocs;
  }

  /** May end earlier than at first, where there is too much in it. */
  get range(): KeyRange {
    return { after: this.#after?.toString() ?? null, upTo: this.#upTo?.toString() ?? null };
  }

  /** True for keys of the range: bytewise, as stores compare them. */
  covers(key: string): boolean {
    if (!this.#after && !this.#upTo) return true;
    const bytes = Buffer.from(key);
    if (this.#after && bytes.compare(this.#after) <= 0) return false;
    return !this.#upTo || bytes.compare(this.#upTo) <= 0;
  }

  /** Folds one event in, where it concerns the range. */
  take(event: DomainEvent): void {
    const { projection, docs, failed } = this;
    if (!projection.handles.has(event.type)) return;
    for (const key of keysOf(projection, event)) {
      if (failed.has(key) || !this.covers(key)) continue;
      try {
        const next = projection.evolve(docs.get(key) ?? null, event, key);
        if (next) docs.set(key, next);
        else docs.delete(key);
      } catch {
        failed.add(key);
      }
    }
    if (docs.size > this.#maxDocs) this.#halve();
  }

  #halve(): void {
    const keys = [...this.docs.keys()].map((key) => Buffer.from(key)).sort(Buffer.compare);
    this.#upTo = keys[keys.length >> 1] ?? this.#upTo;
    for (const key of this.docs.keys()) if (!this.covers(key)) this.docs.delete(key);
    for (const key of this.failed) if (!this.covers(key)) this.failed.delete(key);
  }
}

/** None where they cannot be told: the view is held at such an event, or was told to pass over it. */
function keysOf(projection: Projection, event: DomainEvent): Iterable<string> {
  try {
    return new Set(projection.keys(event));
  } catch {
    return [];
  }
}
