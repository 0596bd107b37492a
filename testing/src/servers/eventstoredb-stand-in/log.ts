/** The stand-in's log: appends decided as EventStoreDB decides them, kept in one file that is synced in groups. */
import { type FileHandle, open } from 'node:fs/promises';
import { deserialize, serialize } from 'node:v8';

/** An event as a client sends it. */
export interface SentEvent {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

/** A place in the log. Events of one append share `commit`; `prepare` tells them apart. */
export interface LogPosition {
  readonly commit: number;
  readonly prepare: number;
}

export interface LoggedEvent extends SentEvent, LogPosition {
  readonly stream: string;
  readonly revision: number;
}

/** -1: no stream; null: any. */
export type Expected = number | null;

export type Appended =
  | { readonly kind: 'appended'; readonly revision: number; readonly position: LogPosition }
  /** `actual`: -1 where there is no stream. */
  | { readonly kind: 'conflict'; readonly actual: number };

/** What the file holds, one after the other, each behind its length in four bytes. */
interface FileRecord {
  readonly stream: string;
  readonly events: readonly SentEvent[];
}

const LENGTH_BYTES = 4;
/** Now and then the server itself writes something, as the real one does. */
const SYSTEM_EVENT_EVERY = 7;

export class StandInLog {
  /** Synced, in log order: what readers see. */
  readonly committed: LoggedEvent[] = [];
  readonly #streams = new Map<string, LoggedEvent[]>();
  readonly #file: FileHandle;
  #size = 0;
  #appends = 0;
  #writing: Buffer[] = [];
  #unsynced: LoggedEvent[] = [];
  #flush: Promise<void> | undefined;
  #changed = Promise.withResolvers<void>();

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Opens the log in `path`; a record that was cut off in the middle is dropped. */
  static async open(path: string): Promise<StandInLog> {
    const file = await open(path, 'a+');
    const log = new StandInLog(file);
    const content = await file.readFile();
    let at = 0;
    while (at + LENGTH_BYTES <= content.length) {
      const end = at + LENGTH_BYTES + content.readUInt32LE(at);
      if (end > content.length) break;
      const { stream, events } = deserialize(content.subarray(at + LENGTH_BYTES, end)) as FileRecord;
      log.committed.push(...log.#place(stream, events, at, end));
      at = end;
    }
    await file.truncate(at);
    log.#size = at;
    return log;
  }

  /** The events of a stream that readers see; undefined where there is none. */
  stream(name: string): readonly LoggedEvent[] | undefined {
    const events = this.#streams.get(name);
    const newest = this.committed.at(-1);
    const visible = events?.filter((event) => newest && comparePlaces(event, newest) <= 0);
    return visible?.length ? visible : undefined;
  }

  /** Resolves when something was committed. */
  changed(): Promise<void> {
    return this.#changed.promise;
  }

  /** Resolves once the events are on disk, whether they are new or were appended before. */
  async append(stream: string, events: readonly SentEvent[], expected: Expected): Promise<Appended> {
    const existing = this.#streams.get(stream) ?? [];
    const actual = existing.length - 1;
    if (expected !== null && expected < actual) {
      const found = existing.slice(expected + 1, expected + 1 + events.length);
      const last = found.at(-1);
      const isRepeated = found.length === events.length && found.every(({ id }, n) => id === events[n]?.id);
      if (!isRepeated || !last) return { kind: 'conflict', actual };
      await this.#synced();
      return { kind: 'appended', revision: last.revision, position: placeOf(last) };
    }
    if (expected !== null && expected > actual) return { kind: 'conflict', actual };
    const placed = this.#write({ stream, events });
    if (++this.#appends % SYSTEM_EVENT_EVERY === 0)
      this.#write({ stream: '$stats-stand-in', events: [stats()] });
    await this.#synced();
    const last = placed.at(-1);
    if (!last) throw new Error('an append without events');
    return { kind: 'appended', revision: last.revision, position: placeOf(last) };
  }

  #write(record: FileRecord): LoggedEvent[] {
    const body = serialize(record);
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32LE(body.length);
    const end = this.#size + LENGTH_BYTES + body.length;
    const placed = this.#place(record.stream, record.events, this.#size, end);
    this.#size = end;
    this.#writing.push(length, body);
    this.#unsynced.push(...placed);
    return placed;
  }

  /** Positions lie within the record's bytes, so they are the same after a restart. */
  #place(stream: string, events: readonly SentEvent[], start: number, end: number): LoggedEvent[] {
    const existing = this.#streams.get(stream) ?? [];
    this.#streams.set(stream, existing);
    const placed = events.map((event, n) => ({
      ...event,
      stream,
      revision: existing.length + n,
      commit: events.length === 1 ? start : end - 1,
      prepare: n === events.length - 1 && events.length > 1 ? end - 1 : start + n,
    }));
    existing.push(...placed);
    return placed;
  }

  /** Everything written so far, and whatever queued meanwhile, goes to disk together. */
  #synced(): Promise<void> {
    this.#flush ??= this.#sync().finally(() => {
      this.#flush = undefined;
    });
    const target = this.#size;
    return this.#flush.then(() => (this.#durable >= target ? undefined : this.#synced()));
  }

  #durable = 0;

  async #sync(): Promise<void> {
    await new Promise(setImmediate);
    const [buffers, events, target] = [this.#writing, this.#unsynced, this.#size];
    [this.#writing, this.#unsynced] = [[], []];
    if (buffers.length > 0) {
      await this.#file.appendFile(Buffer.concat(buffers));
      await this.#file.datasync();
      for (const event of events) this.committed.push(event);
      const { resolve } = this.#changed;
      this.#changed = Promise.withResolvers();
      resolve();
    }
    this.#durable = target;
  }
}

/** Negative, 0 or positive as `left` is before, at or after `right`. */
export function comparePlaces(left: LogPosition, right: LogPosition): number {
  return left.commit - right.commit || left.prepare - right.prepare;
}

function placeOf({ commit, prepare }: LogPosition): LogPosition {
  return { commit, prepare };
}

function stats(): SentEvent {
  const contentType = 'application/json';
  const data = Buffer.from('{}');
  return { id: crypto.randomUUID(), type: '$statsCollected', contentType, data, metadata: new Uint8Array() };
}
