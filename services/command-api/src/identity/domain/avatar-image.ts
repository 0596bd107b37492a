/**
 * Pictures that people upload [I1]: looked at by their bytes, whatever they are called. PNG and JPEG alone, walked through
 * part by part; what is in them besides the picture (places, cameras, comments) is left out. Pure.
 */

export interface AvatarImage {
  readonly mediaType: 'image/png' | 'image/jpeg';
  readonly bytes: Buffer;
}

/** Pixels a side. */
export const MAX_SIDE = 1_024;

interface Part {
  readonly start: number;
  readonly end: number;
  readonly isKept: boolean;
}

interface Walked {
  readonly parts: readonly Part[];
  readonly width: number;
  readonly height: number;
}

/** The picture without its metadata; null for what is none, is broken, or is too large. */
export function toAvatarImage(file: Buffer): AvatarImage | null {
  const mediaType = isPng(file) ? 'image/png' : isJpeg(file) ? 'image/jpeg' : null;
  const walked = mediaType === null ? null : mediaType === 'image/png' ? walkPng(file) : walkJpeg(file);
  if (mediaType === null || walked === null) return null;
  const { parts, width, height } = walked;
  if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE) return null;
  const kept = parts.filter(({ isKept }) => isKept).map(({ start, end }) => file.subarray(start, end));
  return { mediaType, bytes: Buffer.concat(kept) };
}

const PNG_SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
/** What is needed to show the picture. */
const PNG_KEPT = new Set(['IHDR', 'PLTE', 'IDAT', 'IEND', 'tRNS', 'gAMA', 'cHRM', 'sRGB', 'sBIT', 'bKGD']);

function isPng(file: Buffer): boolean {
  return file.subarray(0, PNG_SIGNATURE.length).equals(PNG_SIGNATURE);
}

function walkPng(file: Buffer): Walked | null {
  const parts: Part[] = [{ start: 0, end: PNG_SIGNATURE.length, isKept: true }];
  let at = PNG_SIGNATURE.length;
  for (;;) {
    if (at + 12 > file.length) return null;
    const type = file.toString('latin1', at + 4, at + 8);
    const end = at + 12 + file.readUInt32BE(at);
    if (end > file.length || (parts.length === 1) !== (type === 'IHDR')) return null;
    parts.push({ start: at, end, isKept: PNG_KEPT.has(type) });
    at = end;
    // What follows the end is left out.
    if (type === 'IEND') break;
  }
  if (file.readUInt32BE(PNG_SIGNATURE.length) !== 13) return null;
  return { parts, width: file.readUInt32BE(16), height: file.readUInt32BE(20) };
}

const MARKER = 0xff;
const START_OF_SCAN = 0xda;
const END_OF_IMAGE = 0xd9;

function isJpeg(file: Buffer): boolean {
  return file.length > 4 && file.readUInt16BE(0) === 0xffd8;
}

/** Frame headers tell the size; C4, C8 and CC are other things. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

/** Applications' own parts but for those that say how colours are meant (JFIF, Adobe), and comments. */
function isMetadata(marker: number): boolean {
  return (marker >= 0xe1 && marker <= 0xef && marker !== 0xee) || marker === 0xfe;
}

function walkJpeg(file: Buffer): Walked | null {
  const parts: Part[] = [{ start: 0, end: 2, isKept: true }];
  let size = { width: 0, height: 0 };
  let at = 2;
  for (;;) {
    if (at + 4 > file.length || file[at] !== MARKER) return null;
    const marker = file.readUInt8(at + 1);
    const end = at + 2 + file.readUInt16BE(at + 2);
    if (end > file.length) return null;
    if (isFrame(marker)) {
      if (end < at + 9) return null;
      size = { height: file.readUInt16BE(at + 5), width: file.readUInt16BE(at + 7) };
    }
    if (marker === START_OF_SCAN) break;
    parts.push({ start: at, end, isKept: !isMetadata(marker) });
    at = end;
  }
  const end = file.lastIndexOf(Buffer.from([MARKER, END_OF_IMAGE]));
  if (end < at) return null;
  parts.push({ start: at, end: end + 2, isKept: true });
  return { parts, ...size };
}
