import { expect, test } from 'vitest';
import { Bundle } from './bundle.ts';
import type { PushLine } from './ring.ts';
import { textFrame } from './text-frame.ts';

const line = (position: string, channel: string): PushLine => ({
  channel,
  position,
  frame: `${channel}${position}`,
  changesVisibility: false,
});
const a = { lines: [line('1', 'a'), line('4', 'a')] };
const b = { lines: [line('2', 'b'), line('4', 'b')] };

test('receivers of the same channels share one frame', () => {
  const root = Bundle.empty();
  expect(root.with(a).with(b)).toBe(root.with(a).with(b));
  expect(root.with(a).with(b).frame).toBe(root.with(a).with(b).frame);
});

test('lines of several channels are joined in the order of their positions', () => {
  const bundle = Bundle.empty().with(a).with(b);
  expect(bundle.size).toBe(4);
  expect(bundle.frame).toEqual(textFrame('a1\nb2\na4\nb4'));
});

test.each([0, 125, 126, 65_535, 65_536, 70_000])('a frame of %i bytes says its length', (length) => {
  const frame = textFrame('é'.repeat(Math.floor(length / 2)) + 'x'.repeat(length % 2));
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  expect(frame.length).toBe(header + length);
  expect(frame[0]).toBe(0x81);
  const said =
    header === 2 ? frame[1] : header === 4 ? frame.readUInt16BE(2) : Number(frame.readBigUInt64BE(2));
  expect(said).toBe(length);
});
