import { describe, expect, test } from 'vitest';
import { MAX_SIDE, toAvatarImage } from './avatar-image.ts';

function chunk(type: string, data: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Buffer.concat([length, Buffer.from(type, 'latin1'), data, Buffer.alloc(4)]);
}

function png(width: number, height: number, ...extra: Buffer[]): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  const parts = [chunk('IHDR', header), ...extra, chunk('IDAT', Buffer.from('pixels'))];
  return Buffer.concat([signature, ...parts, chunk('IEND', Buffer.alloc(0))]);
}

function segment(marker: number, data: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([head, data]);
}

function jpeg(width: number, height: number, ...extra: Buffer[]): Buffer {
  const frame = Buffer.from([8, 0, 0, 0, 0, 1]);
  frame.writeUInt16BE(height, 1);
  frame.writeUInt16BE(width, 3);
  const scan = Buffer.concat([
    segment(0xda, Buffer.from([1])),
    Buffer.from('scan'),
    Buffer.from([0xff, 0xd9]),
  ]);
  return Buffer.concat([Buffer.from([0xff, 0xd8]), ...extra, segment(0xc0, frame), scan]);
}

describe('I1 a picture', () => {
  test('is known by its bytes and comes out as it was', () => {
    expect(toAvatarImage(png(10, 20))).toEqual({ mediaType: 'image/png', bytes: png(10, 20) });
    expect(toAvatarImage(jpeg(10, 20))).toEqual({ mediaType: 'image/jpeg', bytes: jpeg(10, 20) });
  });

  test('loses what tells where and with what it was taken, and what hides behind its end', () => {
    const secret = Buffer.from('52.5200N 13.4050E <script>');
    const withSecrets = [
      png(1, 1, chunk('tEXt', secret), chunk('eXIf', secret), chunk('zzZz', secret)),
      jpeg(1, 1, segment(0xe1, secret), segment(0xed, secret), segment(0xfe, secret)),
    ];
    for (const file of withSecrets) {
      const image = toAvatarImage(Buffer.concat([file, secret]));
      expect(image?.bytes.includes('52.52')).toBe(false);
      expect(image?.bytes.length).toBeGreaterThan(20);
    }
    const jfif = segment(0xe0, Buffer.from('JFIF'));
    expect(toAvatarImage(jpeg(1, 1, jfif))?.bytes.includes('JFIF')).toBe(true);
  });

  test('of too many pixels, or of none, is none', () => {
    for (const make of [png, jpeg]) {
      expect(toAvatarImage(make(MAX_SIDE, MAX_SIDE))).not.toBeNull();
      for (const [width, height] of [
        [MAX_SIDE + 1, 1],
        [1, MAX_SIDE + 1],
        [0, 1],
      ] as const)
        expect(toAvatarImage(make(width, height))).toBeNull();
    }
  });

  test('that is cut off, or something else, is none', () => {
    for (const file of [png(5, 5), jpeg(5, 5)])
      for (let length = 0; length < file.length; length++)
        expect(toAvatarImage(file.subarray(0, length))).toBeNull();
    for (const text of ['<svg xmlns="http://www.w3.org/2000/svg"/>', 'GIF89a', '<html>', '%PDF-1.7'])
      expect(toAvatarImage(Buffer.from(text))).toBeNull();
  });
});
