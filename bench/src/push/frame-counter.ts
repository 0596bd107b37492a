/** Counts the messages in one socket's stream of server frames: frames by their headers, lines by their line feeds. */

const LINE_FEED = 10;
const TEXT = 1;
const PING = 9;
const FINAL_TEXT = 0x81;

export class FrameCounter {
  /** Frames that the last chunk completed. */
  frames = 0;
  /** Whether one of them was a ping, which wants an answer. */
  hasPing = false;
  /** A frame that has not arrived whole. */
  #rest: Buffer | null = null;
  /** The shape of the last chunk that was one whole frame: the next is most likely the same. */
  #length = 0;
  #lines = 0;

  /** Messages that `chunk` completes. */
  take(chunk: Buffer): number {
    this.hasPing = false;
    if (this.#rest === null && chunk.length === this.#length && chunk[0] === FINAL_TEXT) {
      this.frames = 1;
      return this.#lines;
    }
    const bytes = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk]);
    this.frames = 0;
    let [at, lines] = [0, 0];
    for (let end = endOf(bytes, at); end <= bytes.length; end = endOf(bytes, at)) {
      const opcode = (bytes[at] ?? 0) & 0x0f;
      this.hasPing ||= opcode === PING;
      if (opcode === TEXT) {
        lines += linesIn(bytes, at, end);
        this.frames += 1;
      }
      at = end;
      if (at === bytes.length) break;
    }
    this.#rest = at === bytes.length ? null : bytes.subarray(at);
    if (this.frames === 1 && this.#rest === null && bytes === chunk)
      [this.#length, this.#lines] = [chunk.length, lines];
    return lines;
  }
}

/** Where the frame at `at` ends; infinite where not even its header is there. */
function endOf(bytes: Buffer, at: number): number {
  const short = (bytes[at + 1] ?? 0x100) & 0x7f;
  if (at + 2 > bytes.length) return Number.POSITIVE_INFINITY;
  if (short < 126) return at + 2 + short;
  if (short === 126)
    return at + 4 > bytes.length ? Number.POSITIVE_INFINITY : at + 4 + bytes.readUInt16BE(at + 2);
  return at + 10 > bytes.length ? Number.POSITIVE_INFINITY : at + 10 + Number(bytes.readBigUInt64BE(at + 2));
}

function linesIn(bytes: Buffer, start: number, end: number): number {
  let lines = 1;
  for (
    let at = bytes.indexOf(LINE_FEED, payloadAt(bytes, start));
    at !== -1 && at < end;
    at = bytes.indexOf(LINE_FEED, at + 1)
  )
    lines++;
  return lines;
}

function payloadAt(bytes: Buffer, start: number): number {
  const short = (bytes[start + 1] ?? 0) & 0x7f;
  return start + (short < 126 ? 2 : short === 126 ? 4 : 10);
}
