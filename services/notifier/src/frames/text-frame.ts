/** WebSocket text frames, built once and written to every receiver's TCP socket as they are (RFC 6455, unmasked). */

const FINAL_TEXT = 0x81;

/** One complete frame with `text` as its payload. */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(header + length);
  frame[0] = FINAL_TEXT;
  if (header === 2) frame[1] = length;
  else if (header === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(text, header);
  return frame;
}

/** An empty ping, shared by all sockets. */
export const PING_FRAME: Buffer = Buffer.from([0x89, 0]);
