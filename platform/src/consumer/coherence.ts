/**
 * Whether what was read of views is still what they hold, so that answers can be kept. Announced progress tells when a view
 * has moved on; the checkpoints themselves are looked at now and then, since an announcement may be lost and a generation
 * may take another's place. Nothing is ever kept for a time: what was read at a checkpoint is what the view holds until the
 * checkpoint moves.
 */
import type { Position } from '../event-store/port.ts';
import type { CheckpointRow, ViewKey } from '../read-store/documents.ts';
import type { Announcement, Changed } from './progress.ts';

interface BasisRow extends Pick<CheckpointRow, 'consumer' | 'position' | 'epoch'> {
  /** The documents that it was made of; undefined: whatever the view holds. */
  readonly keys?: readonly string[] | undefined;
}

/** The checkpoints that something was read at. */
export class Basis {
  readonly rows: readonly BasisRow[];
  /** The log up to here is reflected. */
  readonly position: Position;

  constructor(rows: Basis['rows'], position: Position) {
    this.rows = rows.map(({ consumer, position, epoch, keys }) => ({ consumer, position, epoch, keys }));
    this.position = position;
  }

  /** The same, where of the views named nothing but these documents was read. */
  of(resources: readonly ViewKey[]): Basis {
    const keysOf = (consumer: string) =>
      resources.filter(({ view }) => view === consumer).map(({ key }) => key);
    const rows = this.rows.map((row) => {
      const keys = keysOf(row.consumer);
      return keys.length > 0 ? { ...row, keys } : row;
    });
    return new Basis(rows, this.position);
  }
}

export interface Coherence {
  /** False where the checkpoints could not be looked at for so long that nobody can tell what has become of the views. */
  readonly isSure: boolean;
  /** Grows whenever {@link reflects} may have changed its mind. */
  readonly version: number;
  /** How far what was read on `basis` reflects the log; null where a view has moved on since, as far as is known. */
  reflects(basis: Basis): Position | null;
}

export interface HeardCoherence extends Coherence {
  /** Takes announcements in. */
  heard(news: readonly Announcement[]): void;
  /** Somebody has read this checkpoint: from now on nothing older is what the view holds, announced or not. */
  saw(view: string, checkpoint: Position): void;
  /** From now on the checkpoints of these views are looked at, too. */
  watch(views: readonly string[]): void;
  close(): void;
}

/** How often checkpoints are looked at: a lost announcement is made up for within this time. */
const LOOK_MS = 500;
/** An announcement may be on its way, and says more than a checkpoint. */
const ON_THE_WAY_MS = 50;
/** See {@link Coherence.isSure}: also where this process stood still for so long. */
const BLIND_MS = 2_000;

/** Documents of a view whose changes are remembered; what changed longest ago is forgotten first. */
const MAX_CHANGES = 20_000;

/** A view, as far as is known. */
class Known {
  checkpoint: Position = '';
  through: Position = '';
  /** Changes with the view's owner and with its generation. */
  epoch = 0;
  /** The newest checkpoint that anybody has read. Past {@link Known.checkpoint} nobody knows yet what changed. */
  seen: Position = '';
  /** Every document may have changed up to here; after it, those of {@link Known.changes}. */
  floor: Position = '';
  /** By key: the checkpoint by which a document had changed. The newest come last. */
  readonly changes = new Map<string, Position>();

  /** Gives whether that is news. */
  learn(checkpoint: Position, through: Position, changed: Changed | undefined): boolean {
    const isNews = checkpoint > this.checkpoint || through > this.through;
    if (checkpoint > this.checkpoint) this.#move(checkpoint, changed);
    this.through = later(this.through, through);
    return isNews;
  }

  /** Whether what was read at `row` is what the view holds. */
  holds({ position, epoch, keys }: BasisRow): boolean {
    if (epoch !== this.epoch) return false;
    if (position >= later(this.checkpoint, this.seen)) return true;
    if (this.seen > this.checkpoint || keys === undefined || position < this.floor) return false;
    return keys.every((key) => (this.changes.get(key) ?? '') <= position);
  }

  #move(checkpoint: Position, changed: Changed | undefined): void {
    const since = changed?.[0];
    if (!changed || since === undefined || since > this.checkpoint) {
      this.floor = checkpoint;
      this.changes.clear();
    } else {
      for (const key of changed.slice(1)) this.#change(key, checkpoint);
    }
    this.checkpoint = checkpoint;
  }

  #change(key: string, checkpoint: Position): void {
    this.changes.delete(key);
    this.changes.set(key, checkpoint);
    const [oldest] = this.changes;
    if (this.changes.size <= MAX_CHANGES || !oldest) return;
    this.floor = later(this.floor, oldest[1]);
    this.changes.delete(oldest[0]);
  }
}

/** `look` reads checkpoints where they are written. Nothing reflects anything before they were looked at once. */
export function createCoherence(
  look: (views: readonly string[]) => Promise<readonly CheckpointRow[]>,
): HeardCoherence {
  const known = new Map<string, Known>();
  let views: readonly string[] = [];
  let version = 0;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let isLooking = false;

  const learn = ([view, checkpoint, through, changed]: Announcement, epoch?: number): void => {
    const before = known.get(view);
    if (!before && epoch === undefined) return;
    const now = before ?? new Known();
    known.set(view, now);
    const isNews = now.learn(checkpoint, through, changed);
    if (!isNews && (epoch === undefined || epoch === now.epoch)) return;
    now.epoch = epoch ?? now.epoch;
    version++;
  };

  const isAhead = ({ consumer, position }: CheckpointRow): boolean => {
    const before = known.get(consumer);
    return before !== undefined && before.checkpoint < position;
  };

  const lookNow = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    const askedAt = performance.now();
    try {
      const rows = await look(views);
      if (rows.some(isAhead)) await new Promise((resolve) => setTimeout(resolve, ON_THE_WAY_MS));
      for (const { consumer, position, through, epoch } of rows)
        learn([consumer, position, later(position, through)], epoch);
      lookedAt = askedAt;
    } catch {
      // Whoever reads the views learns of it; here it only counts that nobody has looked.
    }
    isLooking = false;
  };

  return {
    get isSure() {
      return performance.now() - lookedAt <= BLIND_MS;
    },
    get version() {
      return version;
    },
    reflects({ rows, position }) {
      let least: Position | undefined;
      for (const row of rows) {
        const now = known.get(row.consumer);
        if (!now?.holds(row)) return null;
        if (least === undefined || now.through < least) least = now.through;
      }
      return least === undefined ? null : later(least, position);
    },
    saw(view, checkpoint) {
      const now = known.get(view);
      if (!now || checkpoint <= now.seen) return;
      now.seen = checkpoint;
      if (checkpoint > now.checkpoint) version++;
    },
    heard(news) {
      for (const announcement of news) learn(announcement);
    },
    watch(wanted) {
      views = [...new Set([...views, ...wanted])];
      timer ??= setInterval(() => void lookNow(), LOOK_MS).unref();
      void lookNow();
    },
    close() {
      clearInterval(timer);
    },
  };
}

function later(a: Position, b: Position): Position {
  return a < b ? b : a;
}
